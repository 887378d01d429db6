package org.elasticsearch.plugins;

import java.util.List;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.action.admin.cluster.state.ClusterStateResponse;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.rest.action.RestBuilderListener;
import org.elasticsearch.xcontent.XContentBuilder;

/** Answers {@code GET /} as the module rest-root does, which Maven Central does not have. */
final class RootHandler extends BaseRestHandler {
    @Override
    public String getName() {
        return "root";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        return channel -> client.admin()
            .cluster()
            .prepareState(TimeValue.timeValueSeconds(30))
            .clear()
            .setMetadata(true)
            .setNodes(true)
            .execute(new RestBuilderListener<>(channel) {
                @Override
                public RestResponse buildResponse(ClusterStateResponse found, XContentBuilder answer) throws Exception {
                    ClusterState state = found.getState();
                    Build build = Build.current();
                    answer.startObject();
                    answer.field("name", state.nodes().get(client.getLocalNodeId()).getName());
                    answer.field("cluster_name", state.getClusterName().value());
                    answer.field("cluster_uuid", state.metadata().clusterUUID());
                    answer.startObject("version");
                    answer.field("number", build.version());
                    answer.field("build_flavor", build.flavor());
                    answer.field("build_type", build.type().displayName());
                    answer.field("build_hash", build.hash());
                    answer.field("build_date", build.date());
                    answer.field("build_snapshot", build.isSnapshot());
                    answer.field("lucene_version", Version.LATEST.toString());
                    answer.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
                    answer.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
                    answer.endObject();
                    answer.field("tagline", "You Know, for Search");
                    answer.endObject();
                    return new RestResponse(RestStatus.OK, answer);
                }
            });
    }
}
