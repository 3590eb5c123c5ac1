/** JSON patch (RFC 6902) as lax as the server's, and JSON merge patch (RFC 7386). */
import type { Json, JsonObject } from "#cluster/api/json"
import { isObject, same, wordOf } from "#cluster/api/json"
import { badRequest, unprocessable } from "#cluster/api/Refusal"

export const mergePatch = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return Array.isArray(patch) ? patch.map((item: Json) => mergePatch(undefined, item)) : patch
  const kept = isObject(target) ? target : {}
  const merged: Record<string, Json> = { ...kept }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(kept[key], value)
  }
  return merged
}

const refused = () => unprocessable("the server rejected our request due to an error in our request")

type Container = ReadonlyArray<Json> | JsonObject
type Change = (container: Container, token: string) => Container

const indexIn = (list: ReadonlyArray<Json>, token: string, end: number): number => {
  const index = token === "-" ? list.length : Number(token)
  const counted = index < 0 ? list.length + index : index
  if (!Number.isInteger(counted) || counted < 0 || counted > end) throw refused()
  return counted
}

const isList = (container: Container): container is ReadonlyArray<Json> => Array.isArray(container)

const child = (container: Container, token: string): Json | undefined =>
  isList(container) ? container[indexIn(container, token, container.length - 1)] : container[token]

const changeAt = (container: Json | undefined, tokens: ReadonlyArray<string>, change: Change): Json => {
  if (!isObject(container) && !Array.isArray(container)) throw refused()
  const inside: Container = container
  const [token = "", ...rest] = tokens
  if (rest.length === 0) return change(inside, token)
  const changed = changeAt(child(inside, token), rest, change)
  return put(changed)(inside, token)
}

const insert =
  (value: Json, instead = 0): Change =>
  (container, token) =>
    isList(container)
      ? container.toSpliced(indexIn(container, token, container.length - instead), instead, value)
      : { ...container, [token]: value }
const put = (value: Json): Change => insert(value, 1)

const drop: Change = (container, token) => {
  if (isList(container)) return container.toSpliced(indexIn(container, token, container.length - 1), 1)
  if (!Object.hasOwn(container, token)) throw refused()
  return Object.fromEntries(Object.entries(container).filter(([key]) => key !== token))
}

const tokensOf = (pointer: Json | undefined): ReadonlyArray<string> => {
  if (typeof pointer !== "string" || !pointer.startsWith("/")) throw refused()
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
}

const at = (document: Json, pointer: Json | undefined): Json | undefined =>
  tokensOf(pointer).reduce<Json | undefined>((value, token) => {
    if (Array.isArray(value)) return child(value as ReadonlyArray<Json>, token)
    return isObject(value) ? value[token] : undefined
  }, document)

const perform = (document: Json, step: JsonObject): Json => {
  const { from, op, path, value = null } = step
  const tokens = tokensOf(path)
  switch (op) {
    case "add":
      return changeAt(document, tokens, insert(value))
    case "replace":
      return changeAt(document, tokens, put(value))
    case "remove":
      return changeAt(document, tokens, drop)
    case "test":
      if (!same(at(document, path) ?? null, value)) throw refused()
      return document
    case "copy":
    case "move": {
      const moved = at(document, from)
      if (moved === undefined) throw refused()
      const rest = op === "move" ? changeAt(document, tokensOf(from), drop) : document
      return changeAt(rest, tokens, insert(moved))
    }
    default:
      throw badRequest(`Unexpected kind: ${wordOf(op)}`)
  }
}

export const jsonPatch = (document: Json, patch: Json | undefined): Json => {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations")
  return patch.reduce<Json>((changed, step: Json) => {
    if (!isObject(step)) throw badRequest("an operation of a JSON patch is an object")
    return perform(changed, step)
  }, document)
}
