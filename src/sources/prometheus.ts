/** The value of a PromQL query. */
import * as Schema from "effect/Schema"
import { httpAuthFields, httpUrl } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

export const PrometheusOptions = Schema.Struct({
  serverUrl: Schema.optionalKey(
    httpUrl(
      "Address of Prometheus, or of what speaks its API (Thanos, Mimir, VictoriaMetrics), without /api/v1. Absent: the operator's own (PROMETHEUS_URL)."
    )
  ),
  query: Schema.optionalKey(
    Schema.String.annotate({
      description: "PromQL that yields one number: a scalar, or a vector of one series."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(8192))
  ),
  preset: Schema.optionalKey(
    Schema.Literals(["istio", "nginx-ingress", "otel-http"]).annotate({
      description:
        "Instead of a query: the query that is usual with this exporter. Reserved: this version refuses to guess it."
    })
  ),
  ...httpAuthFields,
  reduce: Schema.optionalKey(
    Schema.Literals(["max", "min", "sum", "avg", "first"]).annotate({
      description:
        "What to make of several series; `first` is the first in the order of their labels. Absent: several series are an error."
    })
  ),
  worksAtZero: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "True: the query tells the truth with no pod running (a queue, a gateway), so minReplicas may be 0. False when absent."
    })
  )
}).annotate({
  description: "The value of a PromQL query.",
  "x-kubernetes-validations": [
    { rule: "has(self.query) != has(self.preset)", message: "name exactly one of query and preset" }
  ]
})
export type PrometheusOptions = typeof PrometheusOptions.Type

export const prometheus: Source<PrometheusOptions, never> = {
  name: "prometheus",
  description: "The value of a PromQL query.",
  options: PrometheusOptions,
  example: {
    serverUrl: "http://prometheus-server.monitoring.svc.cluster.local",
    query: 'sum(rate(http_requests_total{app="my-app"}[1m]))'
  },
  built: true,
  worksAtZero: false,
  sample: notBuilt("prometheus")
}
