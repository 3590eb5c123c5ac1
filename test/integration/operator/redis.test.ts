// A queue in a real Redis empties a Deployment and fills it again: the operator as a process of its own, the password in
// a Secret that it reads with the rights of our manifests, and a queue that is gone with its last item.
import { afterAll, beforeAll, expect, it } from "vitest"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { RedisServer } from "#test/controlplane/RedisServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { installOperator, OperatorProcess } from "./OperatorProcess.ts"
import { follow, replicasOf } from "./policies.ts"

const PASSWORD = "a-password-that-nobody-tells"

describeWith(["controlPlane", "redis-server"], "a queue in Redis", () => {
  let cluster: Cluster
  let namespace: string
  let redis: RedisServer
  let operator: OperatorProcess

  beforeAll(async () => {
    cluster = runningCluster()
    namespace = await cluster.newNamespace("redis")
    redis = await RedisServer.start()
    await redis.first.client.call("ACL", "SETUSER", "autoscaler", "on", `>${PASSWORD}`, "~jobs", "+type", "+llen")
    await cluster.create(`/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "redis" },
      stringData: { password: PASSWORD }
    })
    const home = await installOperator(cluster)
    operator = await OperatorProcess.start({ cluster, home, watch: namespace })
  })
  afterAll(async () => {
    await operator?.stop()
    await redis?.stop()
    await cluster?.deleteNamespace(namespace)
    cluster?.disconnect()
  })

  const untilReplicas = (wanted: number) =>
    eventually(
      async (seen) => {
        const now = await replicasOf(cluster, namespace, "worker")
        seen(now)
        return now === wanted
      },
      { what: `worker to have ${wanted} replicas`, assertHope: () => operator.assertRunning() }
    )

  it("takes its workers from one to none, to as many as it needs, and to none again", async () => {
    await cluster.createDeployment(namespace, "worker", 1)
    const object = {
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: "worker" },
      spec: {
        target: { apiVersion: "apps/v1", kind: "Deployment", name: "worker" },
        interval: "1s",
        scaling: {
          minReplicas: 0,
          maxReplicas: 10,
          behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
        },
        signals: [
          {
            name: "jobs",
            redis: {
              host: "127.0.0.1",
              port: redis.first.port,
              queueName: "jobs",
              username: "autoscaler",
              passwordSecret: { name: "redis", key: "password" }
            },
            onEmpty: "Zero",
            target: { type: "AverageValue", value: "10" }
          }
        ]
      }
    }
    const policy = await follow(cluster, namespace, object)
    await untilReplicas(0)
    await redis.first.client.call("RPUSH", "jobs", ...Array.from({ length: 35 }, (_, at) => at))
    await untilReplicas(4)
    const up = await policy.until("to hold four", ({ targetReplicas }) => targetReplicas === 4)
    expect(up.signals?.[0]).toMatchObject({ name: "jobs", value: "35", target: "10" })
    await redis.first.client.call("DEL", "jobs")
    await untilReplicas(0)
    const told = [...(await policy.events()), JSON.stringify(await policy.get()), JSON.stringify(operator.logs())]
    expect(told.join("\n")).not.toContain(PASSWORD)
  })
})
