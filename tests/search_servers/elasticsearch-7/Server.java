import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.reindex.ReindexPlugin;
import org.elasticsearch.transport.Netty4Plugin;

/** A node of Elasticsearch 7 with the modules that Maven Central has: Painless and the further analyzers are not among them. */
final class Server extends Node {
    private Server(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, ReindexPlugin.class), true);
    }

    static AutoCloseable start(Map<String, String> settings, Path configuration) throws Exception {
        Settings.Builder builder = Settings.builder();
        settings.forEach(builder::put);
        return new Server(InternalSettingsPreparer.prepareEnvironment(builder.build(), Map.of(), configuration, () -> "node")).start();
    }
}
