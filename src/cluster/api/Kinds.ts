/** The resources that are served now: the built-in ones, what CRDs add, and what the world computes. */
import { builtIn } from "#cluster/api/builtIn"
import { groupVersionOf, keyOf, type Resource } from "#cluster/api/Resource"

export class Kinds {
  readonly #resources = new Map<string, Resource>(builtIn().map((one) => [`${groupVersionOf(one)}/${one.plural}`, one]))

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

  define(resource: Resource): void {
    for (const [path, one] of this.#resources) if (keyOf(one) === keyOf(resource)) this.#resources.delete(path)
    this.#resources.set(`${groupVersionOf(resource)}/${resource.plural}`, resource)
  }

  undefine(key: string): void {
    for (const [path, one] of this.#resources) if (one.custom && keyOf(one) === key) this.#resources.delete(path)
  }
}
