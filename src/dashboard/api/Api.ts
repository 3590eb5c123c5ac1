/**
 * The dashboard's API, typed once: the handlers, the page and the OpenAPI document are held to it. Whatever is refused
 * is answered with `{"error": a sentence that says what to do}`.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { Kind } from "#schemas/Policy"
import { ActionAnswer, Activities, Change, Detail, Fleet, History, Records } from "./shapes.ts"
import { Stories, WhatIfAnswer, WhatIfQuestion } from "./shapes.ts"

const Problem = (status: number, description: string) =>
  Schema.Struct({ error: Schema.String }).annotate({ description }).pipe(HttpApiSchema.status(status))

const BAD = Problem(400, "What was asked is not understood.")
const NONE = Problem(404, "This operator runs no such policy; a standby runs none, and says who leads.")

const policy = { kind: Kind, namespace: Schema.String, name: Schema.String }
const PATH = "/policies/:kind/:namespace/:name"
/** Answers of the handlers are words of a query: absent and empty are the same. */
const Words = Schema.optionalKey(Schema.String)

const reading = HttpApiGroup.make("reading").add(
  HttpApiEndpoint.get("fleet", "/fleet", { success: Fleet }).annotate(
    OpenApi.Summary,
    "Every policy, compact, and how the operator is."
  ),
  HttpApiEndpoint.get("stream", "/stream", {
    query: { after: Words },
    success: HttpApiSchema.StreamSse({ data: Change }),
    error: Problem(503, "As many listen already as this operator lets: see Retry-After.")
  }).annotate(
    OpenApi.Summary,
    "What changes from a cursor of /fleet on, as events `change`; `reset` says to read the fleet anew. Last-Event-ID resumes."
  ),
  HttpApiEndpoint.get("activity", "/activity", { query: { limit: Words }, success: Activities }).annotate(
    OpenApi.Summary,
    "The last 200 scaling actions, newest first."
  ),
  HttpApiEndpoint.get("detail", PATH, { params: policy, success: Detail, error: NONE }).annotate(
    OpenApi.Summary,
    "One policy."
  ),
  HttpApiEndpoint.get("stories", `${PATH}/stories`, {
    params: policy,
    query: { target: Words, limit: Words, before: Words, around: Words, replay: Words },
    success: Stories,
    error: [BAD, NONE]
  }).annotate(OpenApi.Summary, "Its decisions as `nimbusguard explain` tells them, newest first."),
  HttpApiEndpoint.get("history", `${PATH}/history`, {
    params: policy,
    query: { target: Words, hours: Words },
    success: History,
    error: [BAD, NONE]
  }).annotate(
    OpenApi.Summary,
    "The course of replicas and signals: from the records that are held, or from Prometheus for longer."
  ),
  HttpApiEndpoint.post("whatIf", `${PATH}/what-if`, {
    params: policy,
    payload: WhatIfQuestion,
    success: WhatIfAnswer,
    error: [BAD, NONE]
  }).annotate(
    OpenApi.Summary,
    "The records that are held, decided again with other bounds, targets or another engine. Changes nothing."
  ),
  HttpApiEndpoint.get("policies", "/policies", { success: Schema.Array(Schema.Unknown) }).annotate(
    OpenApi.Summary,
    "Every policy with its whole status."
  ),
  HttpApiEndpoint.get("records", "/records", {
    query: { kind: Words, namespace: Words, name: Words, limit: Words },
    success: Records,
    error: [BAD, NONE]
  }).annotate(
    OpenApi.Summary,
    "The decision records of one policy, newest first, and every generation of it that made one of them."
  )
)

const acting = HttpApiGroup.make("acting").add(
  HttpApiEndpoint.post("mode", `${PATH}/mode`, {
    params: policy,
    headers: { "x-kubernetes-token": Schema.optionalKey(Schema.String) },
    payload: Schema.Struct({ mode: Schema.Literals(["Active", "Recommend", "Paused"]) }),
    success: ActionAnswer,
    error: [
      Problem(401, "The token is missing, or the cluster does not know it."),
      Problem(403, "Its owner may not change the policy, or the call came from another page."),
      NONE,
      Problem(502, "The cluster could not be asked.")
    ]
  }).annotate(
    OpenApi.Summary,
    "Pauses, resumes or only recommends: writes spec.mode with the caller's own Kubernetes token, which is used for this call and kept nowhere."
  )
)

export const API_PREFIX = "/api/v1"

export class Api extends HttpApi.make("nimbusguard")
  .add(reading, acting)
  .prefix(API_PREFIX)
  .annotateMerge(
    OpenApi.annotations({
      title: "NimbusGuard",
      version: "v1",
      description:
        "What the dashboard shows. Reading is free on loopback; where the dashboard listens wider, send its token as `Authorization: Bearer`. Times are milliseconds since the epoch unless they are RFC 3339."
    })
  ) {}
