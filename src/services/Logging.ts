/**
 * How log entries look: one JSON object per line for a collector, aligned lines for a person. Both carry the trace
 * of the span they were written in, so that a line leads to its trace and back.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import { types } from "node:util"

export interface LoggingOptions {
  readonly level: LogLevel.LogLevel
  readonly format: "json" | "pretty"
  readonly colors: boolean
  /** Gets one line, without its end. */
  readonly write: (line: string) => void
}

interface Entry {
  readonly time: string
  readonly level: string
  readonly message: string
  readonly error: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
  readonly traceId: string | undefined
  readonly spanId: string | undefined
}

const RESERVED: ReadonlySet<string> = new Set(["time", "level", "message", "error", "traceId", "spanId"])

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const isExpected = (error: unknown): error is Error & { readonly _tag: string } =>
  types.isNativeError(error) && "_tag" in error && typeof error._tag === "string"

/** A failure that somebody foresaw is its sentence; only what nobody foresaw is worth a stack. */
const causeText = (cause: Cause.Cause<unknown>): string =>
  cause.reasons.every((reason) => Cause.isFailReason(reason) && isExpected(reason.error))
    ? cause.reasons
        .map((reason) =>
          Cause.isFailReason(reason) && isExpected(reason.error) ? `${reason.error._tag}: ${reason.error.message}` : ""
        )
        .join("\n")
    : Cause.pretty(cause)

/** Texts become the message; plain objects become fields; errors are told whole, with what caused them. */
const entryOf = ({ message, logLevel, cause, fiber, date }: Logger.Options<unknown>): Entry => {
  const texts: Array<string> = []
  const fields: Record<string, unknown> = {}
  const errors: Array<string> = []
  const put = (key: string, value: unknown) => void (fields[RESERVED.has(key) ? `${key}_` : key] = value)
  for (const [key, value] of Object.entries(fiber.getRef(References.CurrentLogAnnotations))) put(key, value)
  const now = date.getTime()
  for (const [label, startedAt] of fiber.getRef(References.CurrentLogSpans)) put(`${label}Millis`, now - startedAt)
  for (const part of Array.isArray(message) ? message : [message]) {
    if (isFields(part)) for (const [key, value] of Object.entries(part)) put(key, value)
    else if (Cause.isCause(part)) errors.push(causeText(part))
    else if (types.isNativeError(part)) errors.push(causeText(Cause.fail(part)))
    else texts.push(typeof part === "string" ? part : Formatter.format(part))
  }
  if (cause.reasons.length > 0) errors.push(causeText(cause))
  const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  const first = errors[0]?.split("\n")[0]
  return {
    time: date.toISOString(),
    level: logLevel.toLowerCase(),
    message: texts.length > 0 ? texts.join(" ") : (first ?? ""),
    error: errors.length > 0 ? errors.join("\n") : undefined,
    fields,
    traceId: span?.traceId,
    spanId: span?.spanId
  }
}

const toJson = ({ time, level, message, fields, error, traceId, spanId }: Entry): string => {
  const whole = { time, level, message, ...fields, error, traceId, spanId }
  try {
    return Formatter.formatJson(whole)
  } catch {
    // A field that JSON cannot hold (a BigInt, a throwing getter) must not cost the line.
    return JSON.stringify({ time, level, message, fields: Formatter.format(fields), error, traceId, spanId })
  }
}

const COLORS: Readonly<Record<string, number>> = { trace: 90, debug: 90, info: 36, warn: 33, error: 31, fatal: 35 }

/** Control characters in a message could forge lines or drive the terminal. */
// oxlint-disable-next-line no-control-regex
const printable = (text: string) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD")

const toLine = ({ time, level, message, fields, error }: Entry, colors: boolean): string => {
  const paint = (code: number, text: string) => (colors ? `\u001b[${code}m${text}\u001b[0m` : text)
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${printable(typeof value === "string" ? value : Formatter.format(value))}`
  )
  return [
    paint(90, time.slice(11, 23)),
    paint(COLORS[level] ?? 0, level.toUpperCase().padEnd(5)),
    printable(message).replaceAll("\n", "\n  "),
    ...(rest.length > 0 ? [paint(90, rest.join(" ").replaceAll("\n", " "))] : []),
    ...(error === undefined || error === message ? [] : [`\n  ${printable(error).replaceAll("\n", "\n  ")}`])
  ].join(" ")
}

export const layerLogging = ({ level, format, colors, write }: LoggingOptions) =>
  Layer.mergeAll(
    Logger.layer([
      Logger.make((options: Logger.Options<unknown>) => {
        const entry = entryOf(options)
        write(format === "json" ? toJson(entry) : toLine(entry, colors))
      }),
      // Log lines become events of the span they were written in.
      Logger.tracerLogger
    ]),
    Layer.succeed(References.MinimumLogLevel, level)
  )
