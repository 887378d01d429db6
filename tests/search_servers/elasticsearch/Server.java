import java.nio.file.Path;
import java.util.Map;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.ClassPathNode;
import org.elasticsearch.node.InternalSettingsPreparer;

/** A node of Elasticsearch 8 or 9 with the one module that Maven Central has, that for HTTP and transport. */
final class Server {
    static AutoCloseable start(Map<String, String> settings, Path configuration) throws Exception {
        LogConfigurator.configureESLogging();
        Settings.Builder builder = Settings.builder();
        settings.forEach(builder::put);
        return new ClassPathNode(InternalSettingsPreparer.prepareEnvironment(builder.build(), Map.of(), configuration, () -> "node")).start();
    }
}
