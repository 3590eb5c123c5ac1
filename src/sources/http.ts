/** A number out of any JSON endpoint. The API and its options; this version does not read it yet. */
import * as Schema from "effect/Schema"
import { exactlyOneOf, httpAuthFields, httpUrl } from "#schemas/Endpoint"
import { notBuilt } from "#sources/Source"
import type { Source } from "#sources/Source"

const either = exactlyOneOf("jsonPath", "jsonPointer")

export const HttpOptions = Schema.Struct({
  url: httpUrl("Address to ask."),
  jsonPath: Schema.optionalKey(
    Schema.String.annotate({ description: "Where the number is, as a JSONPath: `$.queue.depth`." }).check(
      Schema.isMaxLength(512),
      Schema.isPattern(/^\$/u)
    )
  ),
  jsonPointer: Schema.optionalKey(
    Schema.String.annotate({ description: "Where the number is, as a JSON Pointer: `/queue/depth`." }).check(
      Schema.isMaxLength(512),
      Schema.isPattern(/^(\/.*)?$/u)
    )
  ),
  method: Schema.optionalKey(
    Schema.Literals(["GET", "POST"]).annotate({ description: "HTTP method; GET when absent." })
  ),
  body: Schema.optionalKey(
    Schema.String.annotate({ description: "Body of a POST." }).check(Schema.isMaxLength(16_384))
  ),
  ...httpAuthFields,
  worksAtZero: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "True: the number is right with no pod running, so minReplicas may be 0. False when absent."
    })
  )
})
  .annotate({
    description: "A number out of the JSON that a URL answers with. Name one of jsonPath and jsonPointer.",
    "x-kubernetes-validations": [either.rule]
  })
  .check(either.check)
export type HttpOptions = typeof HttpOptions.Type

export const http: Source<HttpOptions, never> = {
  name: "http",
  description: "A number out of the JSON that a URL answers with. Accepted, not read in this version yet.",
  options: HttpOptions,
  example: { url: "https://billing.example.com/queue", jsonPointer: "/depth" },
  built: false,
  worksAtZero: false,
  sample: notBuilt("http")
}
