import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.analysis.common.CommonAnalysisModulePlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.reindex.ReindexModulePlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessModulePlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.Netty4ModulePlugin;

/** A node of OpenSearch 3 with the modules that are on the class path. */
final class Server extends Node {
    private static final List<Class<? extends Plugin>> PLUGINS =
        List.of(Netty4ModulePlugin.class, CommonAnalysisModulePlugin.class, PainlessModulePlugin.class, ReindexModulePlugin.class);

    private Server(Environment environment) {
        super(environment, PLUGINS.stream().map(Server::describe).toList(), true);
    }

    private static PluginInfo describe(Class<? extends Plugin> plugin) {
        String name = plugin.getName();
        String java = System.getProperty("java.specification.version");
        return new PluginInfo(name, "class path", "NA", Version.CURRENT, java, name, null, List.of(), false);
    }

    static AutoCloseable start(Map<String, String> settings, Path configuration) throws Exception {
        Settings.Builder builder = Settings.builder();
        settings.forEach(builder::put);
        return new Server(InternalSettingsPreparer.prepareEnvironment(builder.build(), Map.of(), configuration, () -> "node")).start();
    }
}
