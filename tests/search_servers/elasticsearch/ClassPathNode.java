package org.elasticsearch.node;

import java.util.Map;
import java.util.Set;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.ClassPathPlugins;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;

/** A node whose plugins are on the class path. It is in this package because it replaces a part that only the package sees. */
public final class ClassPathNode extends Node {
    public ClassPathNode(Environment environment) {
        super(NodeConstruction.prepareConstruction(environment, noFolders(), new Provider(), true));
    }

    private static PluginsLoader noFolders() {
        return PluginsLoader.createPluginsLoader(Set.of(), Set.of(), Map.of(), false);
    }

    private static final class Provider extends NodeServiceProvider {
        @Override
        PluginsService newPluginService(Environment environment, PluginsLoader loader) {
            return new ClassPathPlugins(environment, loader);
        }
    }
}
