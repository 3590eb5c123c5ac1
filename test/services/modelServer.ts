// A server of the test's own that speaks as OpenAI's chat completions do, in the shapes that are published, and
// misbehaves as it is told to.
import type { RequestListener } from "node:http"
import { Effect, Layer, Redacted, Schema } from "effect"
import { layerMetrics } from "#services/MetricsLive"
import * as OpenAiLive from "#services/OpenAiLive"
import type { Values } from "#services/Settings"
import { layerSettings } from "#test/cli/doctor/world"
import { egress, serve } from "#test/services/httpServers"

export const KEY = "sk-hunter2-hunter2"

export const Body = Schema.Struct({
  model: Schema.String,
  messages: Schema.Array(Schema.Struct({ role: Schema.String, content: Schema.String })),
  response_format: Schema.Struct({
    type: Schema.Literal("json_schema"),
    json_schema: Schema.Struct({
      name: Schema.String,
      strict: Schema.Literal(true),
      schema: Schema.Record(Schema.String, Schema.Unknown)
    })
  }),
  max_completion_tokens: Schema.Int
})

/** As the API reference shows it, with more fields than anybody reads. */
export const completion = (content: unknown, over: object = {}, choice: object = {}) =>
  JSON.stringify({
    id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    object: "chat.completion",
    created: 1_741_569_952,
    model: "gpt-4o-mini-2024-07-18",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: typeof content === "string" ? content : JSON.stringify(content),
          refusal: null,
          annotations: []
        },
        logprobs: null,
        finish_reason: "stop",
        ...choice
      }
    ],
    usage: {
      prompt_tokens: 190,
      completion_tokens: 10,
      total_tokens: 200,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 }
    },
    service_tier: "default",
    ...over
  })

export const limited = JSON.stringify({
  error: { message: `Rate limit reached for ${KEY}`, type: "requests", param: null, code: "rate_limit_exceeded" }
})

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Undefined: never an answer. */
  readonly body?: string
  /** The connection breaks after the body. */
  readonly cut?: boolean
}

/** What is asked, and one reply after the other; the last one stays. */
export const modelServer = (replies: ReadonlyArray<Reply>) =>
  Effect.gen(function* () {
    const bodies: Array<string> = []
    const listener: RequestListener = (request, response) => {
      let text = ""
      request.on("data", (part: Buffer) => void (text += part.toString()))
      request.on("end", () => {
        const reply = replies[Math.min(bodies.length, replies.length - 1)]
        bodies.push(text)
        if (reply?.body === undefined) return
        response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers })
        if (reply.cut !== true) return void response.end(reply.body)
        response.write(reply.body, () => response.destroy())
      })
    }
    const { seen, url } = yield* serve(listener)
    return { url, bodies, seen }
  })

/** The live service in front of that server. */
export const modelOf = (url: string, over: Partial<Values> = {}) =>
  OpenAiLive.layer.pipe(
    Layer.provideMerge(layerMetrics({ processMetrics: false })),
    Layer.provide([egress(), layerSettings({ openaiApiKey: Redacted.make(KEY), openaiBaseUrl: `${url}/v1`, ...over })])
  )
