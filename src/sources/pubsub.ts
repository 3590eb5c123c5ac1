/** Backlog of a Google Cloud Pub/Sub subscription. The API and its options; this version does not read it yet. */
import * as Schema from "effect/Schema"
import { SecretKey } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

export const PubSubOptions = Schema.Struct({
  projectId: Schema.String.annotate({ description: "Google Cloud project that holds the subscription." }).check(
    Schema.isMaxLength(128),
    Schema.isPattern(/^[a-z][-a-z0-9:.]*[a-z0-9]$/u)
  ),
  subscriptionId: Schema.String.annotate({ description: "Name of the subscription, without its project." }).check(
    Schema.isMaxLength(255),
    Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9_.~+%]{2,}$/u)
  ),
  credentialsSecret: Schema.optionalKey(
    SecretKey.annotate({
      description: "Where the JSON key of a service account is. Absent: the operator's own workload identity."
    })
  )
}).annotate({ description: "Undelivered messages of a Pub/Sub subscription." })
export type PubSubOptions = typeof PubSubOptions.Type

export const pubsub: Source<PubSubOptions, never> = {
  name: "pubsub",
  description: "Undelivered messages of a Google Cloud Pub/Sub subscription. Accepted, not read in this version yet.",
  options: PubSubOptions,
  example: {
    projectId: "my-project",
    subscriptionId: "my-subscription",
    credentialsSecret: { name: "gcp-credentials", key: "credentials.json" }
  },
  built: false,
  worksAtZero: true,
  sample: notBuilt("pubsub")
}
