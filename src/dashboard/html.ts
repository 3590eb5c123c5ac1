/** HTML that is safe by construction: whatever is put into a template is escaped unless it is Html itself. */
const Escaped = Symbol("Html")

export interface Html {
  readonly [Escaped]: string
}

type Part = string | number | undefined | Html | ReadonlyArray<Html>

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const render = (part: Part): string => {
  if (part === undefined) return ""
  if (typeof part === "number") return String(part)
  if (typeof part === "string") return part.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "")
  return Escaped in part ? part[Escaped] : part.map(render).join("")
}

export const markup = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Html => ({
  [Escaped]: strings.map((text, index) => text + render(parts[index])).join("")
})

export const toText = (document: Html): string => document[Escaped]
