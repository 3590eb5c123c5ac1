/** Each place of an answer, and the answer with other JSON in one of them. */
export const paths = (value: unknown, prefix: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> => [
  prefix,
  ...(typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => paths(inner, [...prefix, key]))
    : [])
]

export const replaced = (value: unknown, [head, ...rest]: ReadonlyArray<string>, json: unknown): unknown => {
  if (head === undefined) return json
  if (Array.isArray(value)) return value.map((inner, at) => (String(at) === head ? replaced(inner, rest, json) : inner))
  const record = value as Record<string, unknown>
  return { ...record, [head]: replaced(record[head], rest, json) }
}
