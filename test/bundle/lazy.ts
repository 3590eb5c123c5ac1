/** What only some runs of the small program need. */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"

export const lazy = `loaded when asked for, ${typeof NodeSdk.layer}`
