/**
 * How the text of one setting becomes a value. Each reader answers with the value or with the end of a sentence
 * that starts "<VARIABLE> is <text>: ", so that every refusal tells what to write instead.
 */
import type * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

export type Reader<A> = (text: string) => Result.Result<A, string>

export const text: Reader<string> = (value) => Result.succeed(value)

export const secret: Reader<Redacted.Redacted<string>> = (value) =>
  /[\r\n]/.test(value)
    ? Result.fail("it holds a line break: write the value alone, on one line")
    : Result.succeed(Redacted.make(value))

export const port: Reader<number> = (value) => {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  return number <= 65535
    ? Result.succeed(number)
    : Result.fail("write a port number, 1 to 65535, or 0 for any free port")
}

export const count: Reader<number> = (value) =>
  /^\d{1,9}$/.test(value) ? Result.succeed(Number(value)) : Result.fail("write a whole number, 0 or more")

export const amount: Reader<number> = (value) =>
  /^\d{1,9}(?:\.\d{1,9})?$/.test(value) ? Result.succeed(Number(value)) : Result.fail("write an amount, such as 0.15")

const TRUE = new Set(["true", "1", "yes", "on"])
const FALSE = new Set(["false", "0", "no", "off"])

export const boolean: Reader<boolean> = (value) => {
  const lower = value.toLowerCase()
  if (TRUE.has(lower)) return Result.succeed(true)
  return FALSE.has(lower) ? Result.succeed(false) : Result.fail("write true or false")
}

export const httpUrl: Reader<string> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return Result.fail("write a URL that starts with http:// or https://")
  }
  // A password in a URL would be printed wherever the URL is; it belongs in a header or a proxy beside us.
  return url.username === "" && url.password === ""
    ? Result.succeed(value.replace(/\/+$/, ""))
    : Result.fail("leave the user and the password out of the URL")
}

export const hostAndPort: Reader<string> = (value) =>
  /^(?:\[[0-9a-fA-F:.]+\]|[-.\w]+)(?::\d{1,5})?$/.test(value) && URL.canParse(`http://${value}`)
    ? Result.succeed(value)
    : Result.fail("write a host or host:port, for example 169.254.169.254")

/** Proxies do carry credentials in their URL, so it is kept out of every print. */
export const proxyUrl: Reader<Redacted.Redacted<string>> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  return url !== undefined && (url.protocol === "http:" || url.protocol === "https:")
    ? Result.succeed(Redacted.make(value))
    : Result.fail("write the proxy's URL, for example http://proxy.example:3128")
}

const LEVELS: Readonly<Record<string, LogLevel.LogLevel>> = {
  all: "All",
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  critical: "Fatal",
  none: "None",
  off: "None"
}

export const logLevel: Reader<LogLevel.LogLevel> = (value) => {
  const level = LEVELS[value.toLowerCase()]
  return level === undefined
    ? Result.fail("write one of trace, debug, info, warn (or warning), error, fatal, none")
    : Result.succeed(level)
}

export const oneOf =
  <const Choices extends ReadonlyArray<string>>(...choices: Choices): Reader<Choices[number]> =>
  (value) => {
    const found = choices.find((choice) => choice === value.toLowerCase())
    return found === undefined ? Result.fail(`write ${choices.join(" or ")}`) : Result.succeed(found)
  }

/** An address to listen on. Names would be resolved at a moment nobody sees, so only `localhost` is taken. */
export const listenAddress: Reader<string> = (value) => {
  if (value === "localhost") return Result.succeed("127.0.0.1")
  const octets = value.split(".")
  const v4 = octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256)
  const v6 = /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(value) && URL.canParse(`http://[${value}]/`)
  return v4 || v6
    ? Result.succeed(value)
    : Result.fail("write an IP address: 127.0.0.1 for this machine only, 0.0.0.0 for everybody")
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

export const namespace: Reader<string> = (value) =>
  LABEL.test(value) ? Result.succeed(value) : Result.fail("write the name of a namespace: a-z, 0-9 and -")

/** Several namespaces, separated by commas. */
export const namespaces: Reader<ReadonlyArray<string>> = (value) => {
  const names = [...new Set(value.split(",").map((name) => name.trim()))].filter((name) => name !== "")
  return names.length > 0 && names.every((name) => LABEL.test(name))
    ? Result.succeed(names)
    : Result.fail("write the names of namespaces, separated by commas, or leave it unset to watch all")
}
