/**
 * Whether a language model's server is there, takes the key and has the model: what it answers when asked for the model,
 * or when it tells of none singly, as many local servers do, what its list says.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Egress } from "#services/Egress"
import { parseJson } from "#services/jsonBody"

const List = Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String })) })
const decodeList = Schema.decodeUnknownResult(List)

export interface Asked {
  readonly baseUrl: string
  readonly model: string
  readonly headers: Readonly<Record<string, string>>
}

/** The HTTP status: 200 where it has the model. */
export const modelStatus = Effect.fn("modelStatus")(function* ({ baseUrl, headers, model }: Asked) {
  const { request } = yield* Egress
  const { status } = yield* request({
    method: "GET",
    url: `${baseUrl}/models/${encodeURIComponent(model)}`,
    headers,
    trusted: true
  })
  if (status !== 404 && status !== 405) return status
  const { body, status: listed } = yield* request({ method: "GET", url: `${baseUrl}/models`, headers, trusted: true })
  const list = Result.flatMap(parseJson(body), decodeList)
  const has = listed === 200 && Result.isSuccess(list) && list.success.data.some(({ id }) => id === model)
  return has ? listed : status
})
