// The stand-in for Google Cloud for the contract suite: Pub/Sub has no server that can be run here. Everything passes the
// wire: the exchange of a token for an assertion that is really signed and really verified, and the list of time series.
import { apiError, GoogleCloud } from "#test/controlplane/GoogleCloud"
import { type Injected, type SourceFixture, wireCells } from "./Fixture.ts"

export const fixture: SourceFixture = {
  needs: [],
  start: async (wire) => {
    const cloud = await GoogleCloud.start()
    wire.connectTo(cloud.port)
    const project = "my-project"
    const values = {
      jobs: 42,
      negative: -1,
      "beyond-all": { int64Value: "9223372036854775807" },
      "of-words": { stringValue: "42" },
      "not-a-number": { doubleValue: "NaN" },
      infinite: { doubleValue: "Infinity" }
    }
    cloud.setSubscriptions(
      ...Object.entries(values).map(([subscription, value]) => ({
        project,
        subscription,
        points: [60_000, 120_000].map((agoMillis) => ({ agoMillis, value }))
      })),
      { project, subscription: "forgotten", points: [{ agoMillis: 600_000, value: 9 }] }
    )
    const answers = (status: number, gives: Injected["gives"], remedy: RegExp): Injected => ({
      gives,
      remedy,
      inject: () => {
        cloud.instead = { path: "/v3/", reply: apiError(status, "The test wants it so") }
        return () => {
          cloud.instead = undefined
        }
      }
    })
    const about = (subscriptionId: string, gives: Injected["gives"], remedy: RegExp): Injected => ({
      gives,
      remedy,
      options: { subscriptionId }
    })
    return {
      options: {
        projectId: project,
        subscriptionId: "jobs",
        credentialsSecret: { name: "gcp-credentials", key: "credentials.json" },
        endpoint: `http://${wire.address}`
      },
      healthy: 42,
      secrets: {
        "gcp-credentials": {
          "credentials.json": cloud.createKey(
            "reader@my-project.iam.gserviceaccount.com",
            [project],
            `http://${wire.address}/token`
          )
        }
      },
      cells: {
        ...wireCells(wire),
        401: answers(401, "Unauthorized", /JSON key of a service account/u),
        403: answers(403, "Forbidden", /Grant the role Monitoring Viewer/u),
        404: answers(404, "NotFound", /Check projectId/u),
        429: answers(429, "Throttled", /Ask less often/u),
        500: answers(500, "HttpStatus", /server's own log/u),
        wrongType: about("of-words", "Malformed", /Check that the URL/u),
        NaN: about("not-a-number", "NotANumber", /division by zero/u),
        Inf: about("infinite", "NotANumber", /division by zero/u),
        empty: about("nobody", "Empty", /Check both names/u),
        negative: about("negative", "Negative", /clamp it at zero/u),
        overflow: about("beyond-all", "Overflow", /Correct its origin/u),
        stale: about("forgotten", "Stale", /check that the subscription still exists/u)
      },
      stop: () => cloud.close()
    }
  }
}
