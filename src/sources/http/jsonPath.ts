/**
 * Where in a JSON document a number is: a JSON Pointer (RFC 6901), or of JSONPath (RFC 9535) the part that picks by
 * names, indexes, wildcards and equality. What the rest adds, a policy should ask its server for.
 */
import type * as Schema from "effect/Schema"

type Json = Schema.Json
type Scalar = string | number | boolean | null

export type Step =
  | { readonly _tag: "Name"; readonly name: string }
  | { readonly _tag: "Index"; readonly index: number }
  | { readonly _tag: "All" }
  | { readonly _tag: "Where"; readonly names: ReadonlyArray<string>; readonly equals: Scalar }
  /** Of a pointer: a name or an index, as the document has it. */
  | { readonly _tag: "Token"; readonly token: string }

const STEPS_MAX = 64

/** A number that no array is as long as would be one place for two numbers. */
const indexOf = (text: string): number | undefined => {
  const index = Number(text)
  return Number.isSafeInteger(index) ? index : undefined
}

export const parsePointer = (text: string): ReadonlyArray<Step> | undefined => {
  if (text === "") return []
  const tokens = text.split("/")
  if (tokens[0] !== "" || tokens.length > STEPS_MAX || /~(?![01])/u.test(text)) return undefined
  return tokens.slice(1).map((token) => ({ _tag: "Token", token: token.replaceAll("~1", "/").replaceAll("~0", "~") }))
}

const STRING = String.raw`'(?:[^'\\\p{Cc}]|\\['\\])*'|"(?:[^"\\\p{Cc}]|\\["\\])*"`
const DOTTED = String.raw`\.[\p{L}_][\p{L}\p{N}_-]*`
const NAME = new RegExp(String.raw`(?:\.(?<plain>[\p{L}_][\p{L}\p{N}_-]*)|\[\s*(?<quoted>${STRING})\s*\])`, "uy")
const INDEX = /\[\s*(?<index>0|-?[1-9]\d*)\s*\]/uy
const ALL = /\.\*|\[\s*\*\s*\]/uy
const WHERE = new RegExp(
  String.raw`\[\s*\?\s*(?<open>\()?\s*@(?<names>(?:${DOTTED}|\[\s*(?:${STRING})\s*\])+)\s*==\s*` +
    String.raw`(?<value>${STRING}|-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false|null)\s*(?<close>\))?\s*\]`,
  "uy"
)

const unquote = (text: string) => text.slice(1, -1).replaceAll(/\\(.)/gu, "$1")

const namesOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(new RegExp(NAME.source, "gu"))].map(
    ({ groups }) => groups?.["plain"] ?? unquote(groups?.["quoted"] ?? "")
  )

const scalarOf = (text: string): Scalar => (/^['"]/u.test(text) ? unquote(text) : (JSON.parse(text) as Scalar))

const stepAt = (text: string, at: number): readonly [Step, number] | undefined => {
  const match = (pattern: RegExp) => {
    const sticky = new RegExp(pattern)
    sticky.lastIndex = at
    return sticky.exec(text)
  }
  const all = match(ALL)
  if (all !== null) return [{ _tag: "All" }, all[0].length]
  const name = match(NAME)
  if (name !== null) return [{ _tag: "Name", name: namesOf(name[0])[0] ?? "" }, name[0].length]
  const index = indexOf(match(INDEX)?.groups?.["index"] ?? "x")
  if (index !== undefined) return [{ _tag: "Index", index }, match(INDEX)?.[0].length ?? 0]
  const where = match(WHERE)
  const { close, names = "", open, value = "" } = where?.groups ?? {}
  if (where === null || (open === undefined) !== (close === undefined)) return undefined
  return [{ _tag: "Where", names: namesOf(names), equals: scalarOf(value) }, where[0].length]
}

export const parsePath = (text: string): ReadonlyArray<Step> | undefined => {
  if (!text.startsWith("$")) return undefined
  const steps: Array<Step> = []
  for (let at = 1; at < text.length;) {
    const found = stepAt(text, at)
    if (found === undefined || steps.length === STEPS_MAX) return undefined
    steps.push(found[0])
    at += found[1]
  }
  return steps
}

const own = (value: Json | undefined, name: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, Json>>)[name]
    : undefined

const children = (value: Json): ReadonlyArray<Json> =>
  typeof value === "object" && value !== null ? Object.values(value as Readonly<Record<string, Json>>) : []

const present = (value: Json | undefined): ReadonlyArray<Json> => (value === undefined ? [] : [value])

const take = (value: Json, step: Step): ReadonlyArray<Json> => {
  switch (step._tag) {
    case "Name":
      return present(own(value, step.name))
    case "Index":
      return Array.isArray(value) ? present((value as ReadonlyArray<Json>).at(step.index)) : []
    case "Token":
      return Array.isArray(value)
        ? present(/^(?:0|[1-9]\d*)$/u.test(step.token) ? (value as ReadonlyArray<Json>)[Number(step.token)] : undefined)
        : present(own(value, step.token))
    case "All":
      return children(value)
    case "Where":
      return children(value).filter((child) => {
        const found = step.names.reduce<Json | undefined>((inner, name) => own(inner, name), child)
        return found === step.equals
      })
  }
}

/** Whether nothing being there may be an answer: a list without members, where a list was asked for. */
const lists = (step: Step) => step._tag === "All" || step._tag === "Where"

export interface Selection {
  readonly values: ReadonlyArray<Json>
  /** Nothing was found because a list that is there holds nothing that fits; false: the place itself is not there. */
  readonly emptied: boolean
}

export const select = (document: Json, steps: ReadonlyArray<Step>): Selection => {
  let values: ReadonlyArray<Json> = [document]
  for (const step of steps) {
    const next = values.flatMap((value) => take(value, step))
    if (next.length === 0) {
      const isList = (value: Json) => typeof value === "object" && value !== null
      return { values: [], emptied: lists(step) && values.length > 0 && values.every(isList) }
    }
    values = next
  }
  return { values, emptied: false }
}
