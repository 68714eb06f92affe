import java.util.Arrays;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Creates the topics that do not exist: {@code Topics.java BOOTSTRAP PARTITIONS TOPIC...}
 *
 * <p>One Java start for all of them; Kafka's own command needs one for each.
 */
public class Topics {
    public static void main(String[] args) throws Exception {
        var settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        var partitions = Optional.of(Integer.valueOf(args[1]));
        var wanted = Arrays.stream(args).skip(2)
            .map(name -> new NewTopic(name, partitions, Optional.empty()))
            .toList();
        try (var admin = Admin.create(settings)) {
            for (var creation : admin.createTopics(wanted).values().values()) {
                try {
                    creation.get();
                } catch (ExecutionException failure) {
                    if (!(failure.getCause() instanceof TopicExistsException)) {
                        throw failure;
                    }
                }
            }
        }
    }
}
