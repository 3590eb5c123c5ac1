/** The running operator asked for what it holds of one policy. That it cannot be asked is an answer, not a failure. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type Dump, readDump } from "./Dump.ts"
import type { Asked } from "./select.ts"

const TIMEOUT_MILLIS = 15_000

export type Answer =
  | { readonly _tag: "Held"; readonly dump: Dump }
  /** It has no records of it; status may have more, and the leader has, where this one is a standby that knows it. */
  | { readonly _tag: "Nothing"; readonly why: string; readonly leader?: string }
  /** Somebody has to do something first. */
  | { readonly _tag: "Refused"; readonly why: string }

/** Undefined: this one leads, or it does not know either. */
const leaderIn = (headers: Headers): string | undefined => {
  const header = headers.get("x-nimbusguard-leader")
  const leader =
    header === null
      ? ""
      : Result.getOrElse(
          Result.try(() => decodeURI(header)),
          () => header
        )
  return leader === "" || leader === "nobody" ? undefined : leader
}

const errorIn = (text: string): string => {
  const parsed = Result.try((): unknown => JSON.parse(text))
  const body = Result.isSuccess(parsed) ? parsed.success : undefined
  return typeof body === "object" && body !== null && "error" in body ? String(body.error) : text.slice(0, 200)
}

export const askOperator = Effect.fn("explain.askOperator")(function* (
  url: string,
  { kind, name, namespace }: Asked,
  token: Redacted.Redacted<string> | undefined
): Effect.fn.Return<Answer> {
  const query = new URLSearchParams({ kind, name, ...(namespace === undefined ? {} : { namespace }) })
  const target = `${url.replace(/\/+$/u, "")}/api/v1/records?${query.toString()}`
  const asked = yield* Effect.result(
    Effect.tryPromise(async (interrupted) => {
      const response = await fetch(target, {
        headers: token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` },
        redirect: "error",
        signal: AbortSignal.any([interrupted, AbortSignal.timeout(TIMEOUT_MILLIS)])
      })
      return { status: response.status, text: await response.text(), leader: leaderIn(response.headers) }
    })
  )
  if (Result.isFailure(asked)) {
    return { _tag: "Nothing", why: `No operator answers at ${url}.` }
  }
  const { leader, status, text } = asked.success
  const nothing = (why: string): Answer => ({ _tag: "Nothing", why, ...(leader === undefined ? {} : { leader }) })
  if (status === 404) return nothing(`${errorIn(text)} (${url}).`)
  if (status === 401) {
    return { _tag: "Refused", why: `The operator at ${url} asks for a token: set DASHBOARD_TOKEN to it.` }
  }
  if (status !== 200) return { _tag: "Refused", why: `The operator at ${url} answers with ${status}: ${errorIn(text)}` }
  const dump = readDump(`The answer of ${url}`, text)
  if (Result.isFailure(dump)) return { _tag: "Refused", why: dump.failure }
  return dump.success.records.length === 0
    ? nothing(`The operator at ${url} has decided nothing for it yet.`)
    : { _tag: "Held", dump: dump.success }
})
