// Does to a real Kafka what a test asks for, with Kafka's own client, so that no test believes in our reading of the
// protocol alone. One command a line, its words separated by spaces; one line of answer each: "ok ..." or "error ...".
// Run from its source: java -cp 'jars/*' Driver.java host:port
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

public class Driver {
  private final String servers;
  private final Admin admin;
  private final Producer<byte[], byte[]> producer;

  Driver(String servers) {
    this.servers = servers;
    this.admin = Admin.create(Map.of("bootstrap.servers", servers, "request.timeout.ms", "10000"));
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "acks", "all", "max.block.ms", "20000"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  private static TopicPartition partition(String[] words, int at) {
    return new TopicPartition(words[at], Integer.parseInt(words[at + 1]));
  }

  private String run(String[] words) throws Exception {
    switch (words[0]) {
      case "create": {
        var topic = new NewTopic(words[1], Integer.parseInt(words[2]), Short.parseShort(words[3]));
        admin.createTopics(List.of(topic)).all().get();
        return "";
      }
      case "grow":
        admin.createPartitions(Map.of(words[1], NewPartitions.increaseTo(Integer.parseInt(words[2])))).all().get();
        return "";
      case "delete":
        admin.deleteTopics(List.of(words[1])).all().get();
        return "";
      case "produce": {
        var to = partition(words, 1);
        var last = new ArrayList<java.util.concurrent.Future<RecordMetadata>>();
        for (int at = 0; at < Integer.parseInt(words[3]); at++) {
          last.add(producer.send(new ProducerRecord<>(to.topic(), to.partition(), null, new byte[] {1})));
        }
        for (var each : last) each.get();
        return "";
      }
      case "truncate":
        admin
            .deleteRecords(Map.of(partition(words, 1), RecordsToDelete.beforeOffset(Long.parseLong(words[3]))))
            .all()
            .get();
        return "";
      case "commit":
        admin
            .alterConsumerGroupOffsets(
                words[1], Map.of(partition(words, 2), new OffsetAndMetadata(Long.parseLong(words[4]))))
            .all()
            .get();
        return "";
      case "consume": {
        // protocol, group, topic, how many messages
        var settings = new HashMap<String, Object>();
        settings.put("bootstrap.servers", servers);
        settings.put("group.protocol", words[1]);
        settings.put("group.id", words[2]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", words[4]);
        int wanted = Integer.parseInt(words[4]);
        try (var consumer =
            new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
          consumer.subscribe(List.of(words[3]));
          int seen = 0;
          long until = System.nanoTime() + Duration.ofSeconds(90).toNanos();
          while (seen < wanted && System.nanoTime() < until) {
            var records = consumer.poll(Duration.ofMillis(200));
            var commits = new HashMap<TopicPartition, OffsetAndMetadata>();
            for (var record : records) {
              if (seen == wanted) break;
              seen++;
              commits.put(
                  new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            if (!commits.isEmpty()) consumer.commitSync(commits);
          }
          return Integer.toString(seen);
        }
      }
      case "forget":
        admin.deleteConsumerGroups(List.of(words[1])).all().get();
        return "";
      case "user": {
        // name, mechanism, password
        var mechanism = ScramMechanism.fromMechanismName(words[2]);
        var credential = new ScramCredentialInfo(mechanism, 4096);
        admin
            .alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(words[1], credential, words[3])))
            .all()
            .get();
        return "";
      }
      case "allow": {
        // user, TOPIC or GROUP, name
        var pattern = new ResourcePattern(ResourceType.valueOf(words[2]), words[3], PatternType.LITERAL);
        var entry = new AccessControlEntry("User:" + words[1], "*", AclOperation.DESCRIBE, AclPermissionType.ALLOW);
        admin.createAcls(List.of(new AclBinding(pattern, entry))).all().get();
        return "";
      }
      case "leader": {
        var description = admin.describeTopics(List.of(words[1])).allTopicNames().get().get(words[1]);
        return Integer.toString(description.partitions().get(Integer.parseInt(words[2])).leader().id());
      }
      case "insync": {
        var description = admin.describeTopics(List.of(words[1])).allTopicNames().get().get(words[1]);
        return Integer.toString(description.partitions().stream().mapToInt(each -> each.isr().size()).min().orElse(0));
      }
      case "coordinator":
        return Integer.toString(
            admin.describeConsumerGroups(List.of(words[1])).all().get().get(words[1]).coordinator().id());
      case "brokers":
        return Integer.toString(admin.describeCluster().nodes().get().size());
      default:
        throw new IllegalArgumentException("no such command");
    }
  }

  public static void main(String[] args) throws Exception {
    var driver = new Driver(args[0]);
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String answer;
      try {
        answer = "ok " + driver.run(line.split(" "));
      } catch (Exception error) {
        var cause = error.getCause() == null ? error : error.getCause();
        answer = "error " + cause.toString().replace('\n', ' ');
      }
      System.out.println(answer);
      System.out.flush();
    }
    System.exit(0);
  }
}
