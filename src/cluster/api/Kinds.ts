/** The resources that are served now: the built-in ones, what CRDs add, and what the world computes. */
import { builtIn } from "#cluster/api/builtIn"
import { resourceOf } from "#cluster/api/customResources"
import type { Json, JsonObject } from "#cluster/api/json"
import { nameOf, same } from "#cluster/api/json"
import { groupVersionOf, keyOf, type Resource } from "#cluster/api/Resource"

export class Kinds {
  readonly #resources = new Map(builtIn().map((one) => [`${groupVersionOf(one)}/${one.plural}`, this.#judging(one)]))
  /** By the definition's name: to compile rules takes longer than to compare them. */
  readonly #made = new Map<string, { readonly spec: Json | undefined; readonly resource: Resource }>()

  get all(): ReadonlyArray<Resource> {
    return [...this.#resources.values()]
  }

  find(groupVersion: string, plural: string): Resource | undefined {
    return this.#resources.get(`${groupVersion}/${plural}`)
  }

  /** By the kind's name where only one serves it, for those inside the cluster. */
  named(kind: string): Resource {
    const found = this.all.find((one) => one.kind === kind && one.guise === undefined)
    if (found === undefined) throw new Error(`the cluster serves no kind ${kind}`)
    return found
  }

  /** What is stored of a resource, whichever version shows it. */
  stored(resource: Resource): Resource {
    return resource.guise === undefined ? resource : (this.find("v1", resource.guise.of) ?? resource)
  }

  /** What a CRD asks for, or a resource as it is. */
  define(given: Resource | JsonObject): Resource {
    const resource = isResource(given) ? given : this.#of(given)
    for (const [path, one] of this.#resources) if (keyOf(one) === keyOf(resource)) this.#resources.delete(path)
    this.#resources.set(`${groupVersionOf(resource)}/${resource.plural}`, resource)
    return resource
  }

  undefine(key: string): void {
    for (const [path, one] of this.#resources) if (one.custom && keyOf(one) === key) this.#resources.delete(path)
  }

  /** A definition that could not be served is refused before it is stored. */
  #judging(one: Resource): Resource {
    if (one.kind !== "CustomResourceDefinition") return one
    const judge = (object: JsonObject) => {
      const causes = one.judge(object)
      if (causes.length === 0) this.#of(object)
      return causes
    }
    return { ...one, judge }
  }

  #of(definition: JsonObject): Resource {
    const held = this.#made.get(nameOf(definition))
    if (held !== undefined && same(held.spec, definition["spec"])) return held.resource
    const resource = resourceOf(definition)
    this.#made.set(nameOf(definition), { spec: definition["spec"], resource })
    return resource
  }
}

const isResource = (given: Resource | JsonObject): given is Resource => typeof given["plural"] === "string"
