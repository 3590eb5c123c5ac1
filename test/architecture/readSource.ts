/**
 * Reads a TypeScript source with a real parser (the bundler's) into the few facts the architecture rules ask
 * about, so that a word inside a comment, a string or a property name is never mistaken for the thing itself.
 */
import { parseSync } from "rolldown/utils"

export interface Import {
  readonly specifier: string
  /** Names taken from it; empty for a namespace, dynamic or side-effect import. */
  readonly names: ReadonlyArray<string>
  readonly typeOnly: boolean
  readonly line: number
}

/** A global or a member of an imported module that the code touches: `Date`, `Math.random`, `Effect.promise`. */
export interface Use {
  readonly name: string
  readonly line: number
}

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly imports: ReadonlyArray<Import>
  readonly uses: ReadonlyArray<Use>
  /** What a module keeps from its first import to the end of the process. */
  readonly moduleState: ReadonlyArray<Use>
  /** Contains functions: something a test could find wrong. */
  readonly hasLogic: boolean
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

interface Place {
  readonly parent: Node | undefined
  readonly key: string
  /** Runs per call or per instance and not once per process, or cannot change. */
  readonly deferred: boolean
}

export const readSource = (path: string, text: string): SourceFile => {
  const { errors, program } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors.map((error) => error.message).join("; ")}`)

  const newlines = [...text.matchAll(/\n/gu)].map((match) => match.index)
  const lineOf = (node: Node) => newlines.filter((offset) => offset < node.start).length + 1
  const imports: Array<Import> = []
  const uses: Array<Use> = []
  const moduleState: Array<Use> = []
  const modules = new Map<string, string>()
  let hasLogic = false

  const addImport = (node: Node, source: unknown, typeOnly: boolean) => {
    const specifier = stringOf(source)
    const specifiers = nodesOf(node["specifiers"])
    if (specifier === undefined) return
    const effectModule = /^effect\/(?:.*\/)?(\w+)$/u.exec(specifier)?.[1]
    for (const item of specifiers) {
      const local = nameOf(item["local"])
      if (local === undefined) continue
      if (item.type === "ImportNamespaceSpecifier") modules.set(local, effectModule ?? local)
      else if (specifier === "effect") modules.set(local, nameOf(item["imported"]) ?? local)
      else if (effectModule !== undefined) use(`${effectModule}.${nameOf(item["imported"])}`, node)
    }
    const names = specifiers.flatMap((item) => nameOf(item["imported"]) ?? [])
    imports.push({ specifier, names, typeOnly, line: lineOf(node) })
  }
  const use = (name: string, node: Node) => void uses.push({ name, line: lineOf(node) })
  const keep = (name: string, node: Node) => void moduleState.push({ name, line: lineOf(node) })

  const visit = (node: Node, place: Place): void => {
    if (isFunction(node)) {
      hasLogic = true
      if (node["async"] === true) use("async", node)
    }
    switch (node.type) {
      case "ImportDeclaration":
        return addImport(node, node["source"], node["importKind"] === "type")
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        if (node["source"] !== null && node["source"] !== undefined) {
          return addImport(node, node["source"], node["exportKind"] === "type")
        }
        break
      case "ImportExpression":
        addImport(node, node["source"], false)
        break
      case "TSImportType":
        addImport(node, node["source"] ?? node["argument"], true)
        break
      case "AwaitExpression":
        use("await", node)
        break
      case "ForOfStatement":
        if (node["await"] === true) use("await", node)
        break
      case "MemberExpression":
      case "TSQualifiedName": {
        const owner = nameOf(node["object"] ?? node["left"])
        const member = memberOf(node)
        if (owner !== undefined && member !== undefined) use(`${modules.get(owner) ?? owner}.${member}`, node)
        break
      }
      case "Identifier":
        if (!isMemberName(node, place)) use(String(node["name"]), node)
        break
      case "VariableDeclaration":
        if (!place.deferred && node["kind"] !== "const" && node["declare"] !== true)
          keep(`${String(node["kind"])} at module level`, node)
        break
      case "NewExpression": {
        const made = nameOf(node["callee"]) ?? ""
        if (!place.deferred && COLLECTIONS.has(made) && nodesOf(node["arguments"]).length === 0) {
          keep(`an empty ${made} at module level`, node)
        }
        break
      }
      case "CallExpression": {
        const callee = node["callee"] as Node
        const owner = callee.type === "MemberExpression" ? nameOf(callee["object"]) : undefined
        const module = owner === undefined ? undefined : (modules.get(owner) ?? owner)
        if (!place.deferred && module !== undefined && HOLDERS.has(module)) keep(`a ${module} at module level`, node)
        break
      }
    }
    const deferred = place.deferred || isFunction(node) || isInstanceField(node) || isReadonlyConstant(node)
    for (const [key, child] of Object.entries(node)) {
      for (const inner of nodesOf(child)) visit(inner, { parent: node, key, deferred })
    }
  }

  visit(program as unknown as Node, { parent: undefined, key: "", deferred: false })
  const lines = newlines.length + (text === "" || text.endsWith("\n") ? 0 : 1)
  return { path, text, lines, imports, uses, moduleState, hasLogic }
}

const COLLECTIONS = new Set(["Map", "Set", "WeakMap", "WeakSet"])
const HOLDERS = new Set(["RequestResolver", "Cache", "ManagedRuntime"])

const MEMBER_KEYS = new Set([
  "Property",
  "MethodDefinition",
  "PropertyDefinition",
  "TSPropertySignature",
  "TSMethodSignature",
  "TSEnumMember"
])

/** `record.process` and `{ process: 1 }` name a member; only a bare `process` is the global. */
const isMemberName = (node: Node, { key, parent }: Place): boolean => {
  if (parent === undefined) return false
  if (parent.type === "MemberExpression") return key === "property" && parent["computed"] !== true
  if (parent.type === "TSQualifiedName") return key === "right"
  if (parent.type === "ExportSpecifier") return key === "exported"
  if (!MEMBER_KEYS.has(parent.type) || key !== "key" || parent["computed"] === true) return false
  return parent["shorthand"] !== true || node["name"] !== nameOf(parent["value"])
}

const isFunction = (node: Node): boolean =>
  node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression" || node.type === "FunctionDeclaration"

const isInstanceField = (node: Node): boolean => node.type === "PropertyDefinition" && node["static"] !== true

/** `const EMPTY: ReadonlySet<string> = new Set()`: nobody can put anything in. */
const isReadonlyConstant = (node: Node): boolean => {
  if (node.type !== "VariableDeclarator" || !isNode(node["id"])) return false
  const annotation = node["id"]["typeAnnotation"]
  const type = isNode(annotation) ? annotation["typeAnnotation"] : undefined
  return isNode(type) && nameOf(type["typeName"])?.startsWith("Readonly") === true
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const nodesOf = (value: unknown): ReadonlyArray<Node> => (Array.isArray(value) ? value : [value]).filter(isNode)

const nameOf = (value: unknown): string | undefined =>
  isNode(value) && (value.type === "Identifier" || value.type === "JSXIdentifier") ? String(value["name"]) : undefined

const stringOf = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined
  if (value.type === "TSLiteralType") return stringOf(value["literal"])
  return typeof value["value"] === "string" ? value["value"] : undefined
}

/** Also of `Math["random"]`. */
const memberOf = (node: Node): string | undefined =>
  node["computed"] === true ? stringOf(node["property"]) : nameOf(node["property"] ?? node["right"])
