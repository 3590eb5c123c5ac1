/** CPU and memory of the target's pods, pod by pod, as the HPA reads them. */
import * as Schema from "effect/Schema"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

export const ResourceOptions = Schema.Struct({
  resource: Schema.Literals(["cpu", "memory"]).annotate({ description: "What is measured." }),
  container: Schema.optionalKey(
    Schema.String.annotate({ description: "Only this container of each pod; absent: all of them." }).check(
      Schema.isMaxLength(63),
      Schema.isPattern(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u)
    )
  )
}).annotate({
  description:
    "CPU or memory of the target's pods, from metrics.k8s.io where it is served, else from the operator's Prometheus."
})
export type ResourceOptions = typeof ResourceOptions.Type

export const resource: Source<ResourceOptions, never> = {
  name: "resource",
  description: "CPU or memory of the target's pods, as the HPA reads them.",
  options: ResourceOptions,
  example: { resource: "cpu" },
  built: true,
  worksAtZero: false,
  sample: notBuilt("resource")
}
