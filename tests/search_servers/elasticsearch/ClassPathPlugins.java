package org.elasticsearch.plugins;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.elasticsearch.Build;
import org.elasticsearch.env.Environment;
import org.elasticsearch.transport.netty4.Netty4Plugin;

/** The plugins of the class path instead of those of a folder. What it overrides is only seen in this package. */
public final class ClassPathPlugins extends PluginsService {
    private final List<LoadedPlugin> plugins = Stream.of(new Netty4Plugin(), new RootPlugin())
        .map(plugin -> new LoadedPlugin(describe(plugin.getClass()), plugin, getClass().getClassLoader()))
        .toList();

    public ClassPathPlugins(Environment environment, PluginsLoader loader) {
        super(environment.settings(), environment.configDir(), loader);
    }

    @Override
    protected List<LoadedPlugin> plugins() {
        return plugins;
    }

    private static PluginDescriptor describe(Class<? extends Plugin> plugin) {
        String properties = String.join(
            "\n",
            "name=" + plugin.getSimpleName(),
            "description=from the class path",
            "version=" + Build.current().version(),
            "elasticsearch.version=" + Build.current().version(),
            "java.version=" + System.getProperty("java.specification.version"),
            "classname=" + plugin.getName()
        );
        try {
            return PluginDescriptor.readInternalDescriptorFromStream(new ByteArrayInputStream(properties.getBytes(StandardCharsets.UTF_8)));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }
}
