import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs one node in this process: {@code java Launcher key=value…}, where each key is a setting of the node. */
final class Launcher {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> settings = new LinkedHashMap<>();
        for (String argument : arguments) {
            int end = argument.indexOf('=');
            settings.put(argument.substring(0, end), argument.substring(end + 1));
        }
        Thread watch = new Thread(Launcher::endWithParent, "parent watch");
        watch.setDaemon(true);
        watch.start();
        AutoCloseable node;
        try {
            node = Server.start(settings, Path.of(settings.get("path.home"), "config"));
        } catch (Throwable failure) {
            // Threads of a node that is half started would keep the process alive.
            failure.printStackTrace();
            System.err.flush();
            Runtime.getRuntime().halt(1);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        Thread.currentThread().join();
    }

    /** The standard input is a pipe that nobody writes to: it ends when the process that started this one does. */
    private static void endWithParent() {
        try {
            System.in.transferTo(System.err);
        } catch (IOException failure) {
            failure.printStackTrace();
        }
        Runtime.getRuntime().halt(0);
    }

    private static void close(AutoCloseable node) {
        try {
            node.close();
        } catch (Exception failure) {
            failure.printStackTrace();
        }
    }
}
