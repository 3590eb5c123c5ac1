/**
 * The one policy of a file, judged as an API server and the operator would judge it, in their words, and bound to
 * its engines. Whatever `validate` refuses, nothing is decided by.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { BoundEngine } from "#domain/Engine"
import { noMatch, judgeOf } from "#manifests/validation"
import { fillHole } from "#manifests/plugs"
import { fromYaml } from "#manifests/yaml"
import { bind } from "#operator/bind"
import { DECODE_SETTINGS, type DecodeSettings } from "#schemas/crd/Crd"
import { kindOf, KINDS } from "#schemas/crd/index"
import type { Finding, Policy, Refusal, Signal } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { bindSource } from "#sources/index"

export interface PolicyFile {
  readonly policy: Policy
  readonly engines: ReadonlyArray<BoundEngine>
  /** Nothing is refused, but it should be known. */
  readonly findings: ReadonlyArray<Finding>
}

type Json = Readonly<Record<string, unknown>>

interface Found {
  readonly line: number
  readonly object: Json
}

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const GROUPS: ReadonlySet<string> = new Set(KINDS.map(({ group }) => group))

const isOurs = ({ apiVersion }: Json): boolean =>
  typeof apiVersion === "string" && GROUPS.has(apiVersion.split("/")[0] ?? "")

const objectsOf = (line: number, value: unknown): ReadonlyArray<Found> => {
  if (!isJson(value)) return []
  const { items, kind } = value
  return typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)
    ? items.flatMap((item: unknown) => objectsOf(line, item))
    : [{ line, object: value }]
}

const nameOf = ({ kind, metadata }: Json): string => {
  const name = isJson(metadata) ? metadata["name"] : undefined
  return `${String(kind)}/${typeof name === "string" ? name : ""}`
}

const isNamed = (object: Json, wanted: string): boolean => {
  const full = nameOf(object)
  return wanted.includes("/") ? full.toLowerCase() === wanted.toLowerCase() : full.split("/")[1] === wanted
}

/** Readings come from the lines, so no source is ever asked; its options are judged all the same. */
const plugs = {
  signal: (signal: Signal) =>
    Result.map(bindSource(signal), ({ built }) => ({
      signal,
      built,
      sample: () => Effect.succeed(missing("NotGiven", "decide samples nothing."))
    }))
}

const told = (refusals: ReadonlyArray<Refusal>): string =>
  refusals.map(({ message, path }) => `  ${path === "" ? "" : `${path}: `}${message}`).join("\n")

const judged = (file: string, { line, object }: Found, settings: DecodeSettings): Result.Result<PolicyFile, string> => {
  const at = `${file}:${line}: `
  const kind = kindOf(object)
  if (kind === undefined) return Result.fail(at + noMatch(String(object["kind"]), String(object["apiVersion"])))
  const verdict = judgeOf(kind, fillHole)(object)
  if (verdict._tag !== "Accepted") return Result.fail(at + verdict.message)
  return Result.flatMap(kind.decode(verdict.object, settings), (policy) => bind(plugs, policy)).pipe(
    Result.mapError(
      (refusals) => `${at}${nameOf(object)}: the API server accepts it, but it is Ready=False:\n${told(refusals)}`
    )
  )
}

/** `name`: which of several, as NAME or KIND/NAME. The failure says what to change. */
export const readPolicyFile = (
  file: string,
  content: string,
  name: string | undefined,
  settings: DecodeSettings = DECODE_SETTINGS
): Result.Result<PolicyFile, string> => {
  const documents = fromYaml(content)
  const broken = documents.find(({ problem }) => problem !== undefined)
  if (broken !== undefined) return Result.fail(`${file}:${broken.line}: this is not YAML: ${broken.problem}`)
  const policies = documents.flatMap(({ line, value }) => objectsOf(line, value)).filter(({ object }) => isOurs(object))
  const list = policies.map(({ object }) => nameOf(object)).join(", ")
  const wanted = name === undefined ? policies : policies.filter(({ object }) => isNamed(object, name))
  const [first, second] = wanted
  if (first === undefined) {
    const kinds = KINDS.map(({ kind }) => kind).join(", ")
    return Result.fail(
      name === undefined || policies.length === 0
        ? `${file} holds no policy: give it an object of one of the kinds ${kinds}.`
        : `${file} holds no policy ${name}: choose one of ${list}.`
    )
  }
  return second === undefined
    ? judged(file, first, settings)
    : Result.fail(`${file} holds several policies: choose one with --name, of ${list}.`)
}
