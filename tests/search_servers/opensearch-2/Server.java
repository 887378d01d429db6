import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.transport.Netty4Plugin;

/** A node of OpenSearch 2 with the modules that are on the class path. */
final class Server extends Node {
    private Server(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class, PainlessPlugin.class, ReindexPlugin.class), true);
    }

    static AutoCloseable start(Map<String, String> settings, Path configuration) throws Exception {
        Settings.Builder builder = Settings.builder();
        settings.forEach(builder::put);
        return new Server(InternalSettingsPreparer.prepareEnvironment(builder.build(), Map.of(), configuration, () -> "node")).start();
    }
}
