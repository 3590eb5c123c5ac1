/** metrics.k8s.io/v1beta1 PodMetrics. */
import * as Schema from "effect/Schema"

export const PodMetrics = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String, namespace: Schema.String }),
  /** End of the window (RFC 3339). */
  timestamp: Schema.String,
  /** A duration in Go's notation, e.g. 30s or 1m0.5s. */
  window: Schema.String,
  containers: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** Quantities by resource name: cpu, memory. */
      usage: Schema.Record(Schema.String, Schema.String)
    })
  )
})
export type PodMetrics = typeof PodMetrics.Type
