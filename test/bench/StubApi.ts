/**
 * A stand-in for a Kubernetes API server and a Prometheus, in a process (and on a core) of its own, so that what the
 * benchmark measures is the operator alone. It answers in full what an operator asks (lists in pages, watches with
 * bookmarks, compare-and-swap, server-side apply, /scale, metrics.k8s.io), follows a scale with the events that the
 * controllers would cause, and counts what it was asked.
 *
 * The embedded API of src/cluster is not used for it. It would keep pace (a write of /scale takes it 0.15 ms), but the
 * operator is measured with TLS, which its front does not speak, and against tens of thousands of pods as long as a
 * kubelet leaves them, whose coming and going is a few puts here and would be a world with its controllers there.
 *
 * node StubApi.ts '{"fleet": {...}, "certificatePath": "...", "keyPath": "..."}' prints one line of JSON: its ports.
 * GET /bench on the Prometheus port answers with the counts since the start.
 */
import { readFileSync } from "node:fs"
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import type { AddressInfo } from "node:net"
import {
  deploymentStatus,
  fieldsOf,
  type FleetOptions,
  type Json,
  type JsonObject,
  managed,
  type Member,
  podName,
  StubFleet
} from "#test/bench/StubFleet"

export interface StubOptions {
  readonly fleet: FleetOptions
  readonly certificatePath: string
  readonly keyPath: string
}

export interface StubPorts {
  readonly apiPort: number
  readonly prometheusPort: number
}

export interface StubCounts {
  /** "PATCH scalingpolicies/status", "LIST pods", "QUERY prometheus"... */
  readonly requests: Readonly<Record<string, number>>
  /** Refused with 4xx or 5xx, by what was asked. */
  readonly refused: Readonly<Record<string, number>>
  readonly watchEvents: number
  /** New connections, of the API and of Prometheus. */
  readonly connections: { readonly api: number; readonly prometheus: number }
  /** How far two samples of one policy were from one interval apart, since this was last asked. */
  readonly jitterMillis: { readonly samples: number; readonly p50: number; readonly p99: number; readonly max: number }
}

interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly objects: Map<string, JsonObject>
  readonly watchers: Set<Watcher>
  /** Recent events with their versions, for a watch that begins after its list. */
  readonly log: Array<{ readonly version: number; readonly line: string; readonly namespace: string }>
}

interface Watcher {
  readonly namespace: string | undefined
  readonly response: ServerResponse
}

interface Asked {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

class Refused extends Error {
  readonly code: number
  readonly reason: string
  constructor(code: number, reason: string, message: string) {
    super(message)
    this.code = code
    this.reason = reason
  }
}

const LOG_MAX = 20_000
const BOOKMARK_MILLIS = 60_000
/** How long the Deployment controller, the scheduler and the kubelet take together. */
const CONTROLLER_MILLIS = 2000

const SERVED: ReadonlyArray<readonly [groupVersion: string, plural: string, kind: string]> = [
  ["v1", "pods", "Pod"],
  ["v1", "configmaps", "ConfigMap"],
  ["v1", "secrets", "Secret"],
  ["v1", "namespaces", "Namespace"],
  ["v1", "events", "Event"],
  ["apps/v1", "deployments", "Deployment"],
  ["apps/v1", "replicasets", "ReplicaSet"],
  ["apps/v1", "statefulsets", "StatefulSet"],
  ["autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"],
  ["policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"],
  ["coordination.k8s.io/v1", "leases", "Lease"],
  ["events.k8s.io/v1", "events", "Event"],
  ["apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition"],
  ["authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"],
  ["metrics.k8s.io/v1beta1", "pods", "PodMetrics"],
  ["nimbusguard.io/v1", "scalingpolicies", "ScalingPolicy"],
  ["nimbusguard.io/v1alpha1", "intelligentscaling", "IntelligentScaling"],
  ["scaling.example.com/v1", "scalingrules", "ScalingRule"],
  ["autoscaling.generalscaler.io/v1alpha1", "generalscalers", "GeneralScaler"]
]

const objectAt = (object: JsonObject, field: string): JsonObject => {
  const value = object[field]
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

const textAt = (object: JsonObject, field: string): string => {
  const value = object[field]
  return typeof value === "string" ? value : ""
}

class StubApi {
  readonly fleet: StubFleet
  readonly requests = new Map<string, number>()
  readonly refused = new Map<string, number>()
  readonly connections = { api: 0, prometheus: 0 }
  watchEvents = 0
  #version = 1000
  readonly #resources = new Map<string, Resource>()
  readonly #pages = new Map<
    string,
    { readonly items: ReadonlyArray<JsonObject>; readonly from: number; readonly version: number }
  >()
  readonly #sampledAt: Float64Array
  #jitter: Array<number> = []

  constructor(options: FleetOptions) {
    this.fleet = new StubFleet(options, Date.now())
    this.#sampledAt = new Float64Array(options.policies)
    for (const [groupVersion, plural, kind] of SERVED) {
      const [group = "", version = ""] = groupVersion.includes("/") ? groupVersion.split("/") : ["", groupVersion]
      const resource = { group, version, plural, kind, objects: new Map(), watchers: new Set<Watcher>(), log: [] }
      this.#resources.set(`${groupVersion}/${plural}`, resource)
    }
    this.#put(this.#resource("v1/namespaces"), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "nimbusguard" }
    })
    for (const member of this.fleet.members) {
      this.#put(this.#resource("nimbusguard.io/v1/scalingpolicies"), this.fleet.policy(member))
      this.#put(this.#resource("apps/v1/deployments"), this.fleet.deployment(member))
      this.#put(this.#resource("apps/v1/replicasets"), this.fleet.replicaSet(member))
      for (let ordinal = 0; ordinal < member.replicas; ordinal++) {
        this.#put(this.#resource("v1/pods"), this.fleet.pod(member, ordinal))
      }
    }
    setInterval(() => this.#bookmark(), BOOKMARK_MILLIS).unref()
  }

  counts(): StubCounts {
    const sorted = this.#jitter.toSorted((a, b) => a - b)
    this.#jitter = []
    const at = (share: number) =>
      Math.round(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0)
    return {
      requests: Object.fromEntries(this.requests),
      refused: Object.fromEntries(this.refused),
      watchEvents: this.watchEvents,
      connections: this.connections,
      jitterMillis: { samples: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
    }
  }

  // ---- Prometheus

  async prometheus(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === "/bench") return reply(response, 200, this.counts() as unknown as JsonObject)
    const text = request.method === "POST" ? await bodyOf(request) : (request.url?.split("?")[1] ?? "")
    const query = new URLSearchParams(text).get("query") ?? ""
    this.#count(this.requests, "QUERY prometheus")
    const index = Number(/app="app-(\d+)"/u.exec(query)?.[1] ?? Number.NaN)
    const member = this.fleet.members[index]
    const now = Date.now()
    if (member !== undefined) this.#sampled(member, now)
    const result =
      member === undefined ? [] : [{ metric: {}, value: [now / 1000, String(this.fleet.load(member, now))] }]
    reply(response, 200, { status: "success", data: { resultType: "vector", result } })
  }

  #sampled(member: Member, now: number): void {
    const before = this.#sampledAt[member.index] ?? 0
    this.#sampledAt[member.index] = now
    if (before > 0) this.#jitter.push(Math.abs(now - before - this.fleet.options.intervalMillis))
  }

  // ---- the API server

  async api(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://stub")
    const query = Object.fromEntries(url.searchParams)
    const method = request.method ?? "GET"
    const body = method === "GET" ? {} : (JSON.parse((await bodyOf(request)) || "{}") as JsonObject)
    let what = `${method} ${url.pathname}`
    try {
      const asked = this.#asked(url.pathname)
      if (asked === undefined) {
        this.#count(this.requests, "GET discovery")
        return reply(response, 200, this.#discovery(url.pathname))
      }
      const watching = query["watch"] === "true" || query["watch"] === "1"
      const listing = method === "GET" && asked.name === undefined
      const verb = watching ? "WATCH" : listing ? "LIST" : method
      const subresource = asked.subresource === undefined ? "" : `/${asked.subresource}`
      const group = asked.resource.group === "metrics.k8s.io" ? "metrics:" : ""
      what = `${verb} ${group}${asked.resource.plural}${subresource}`
      this.#count(this.requests, what)
      if (asked.resource.group === "metrics.k8s.io") return reply(response, 200, this.#metrics(asked, query))
      if (watching) return this.#watch(asked, query, response)
      if (listing) return reply(response, 200, this.#list(asked, query))
      const type = request.headers["content-type"] ?? ""
      reply(response, method === "POST" ? 201 : 200, this.#act(method, type, asked, body))
    } catch (error) {
      this.#count(this.refused, what)
      const { code, message, reason } =
        error instanceof Refused
          ? error
          : new Refused(500, "InternalError", error instanceof Error ? (error.stack ?? "") : "")
      if (code === 500) process.stderr.write(`${what}: ${message}\n`)
      reply(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", reason, message, code })
    }
  }

  #asked(pathname: string): Asked | undefined {
    const parts = pathname
      .split("/")
      .filter((part) => part !== "")
      .map(decodeURIComponent)
    const groupVersion = parts[0] === "api" ? parts.slice(1, 2) : parts.slice(1, 3)
    const rest = parts.slice(1 + groupVersion.length)
    if (rest.length === 0) return undefined
    const within = rest[0] === "namespaces" && rest.length > 2
    const [plural = "", name, subresource] = within ? rest.slice(2) : rest
    const resource = this.#resources.get(`${groupVersion.join("/")}/${plural}`)
    if (resource === undefined) throw new Refused(404, "NotFound", "the server could not find the requested resource")
    return { resource, namespace: within ? rest[1] : undefined, name, subresource }
  }

  #discovery(pathname: string): JsonObject {
    if (pathname === "/version") return { major: "1", minor: "33", gitVersion: "v1.33.1" }
    if (pathname === "/api") return { kind: "APIVersions", versions: ["v1"] }
    if (pathname === "/apis") {
      const names = [
        ...new Set(
          [...this.#resources.values()]
            .filter(({ group }) => group !== "")
            .map(({ group, version }) => `${group}/${version}`)
        )
      ]
      const groups = names.map((groupVersion) => {
        const [name = "", version = ""] = groupVersion.split("/")
        return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } }
      })
      return { kind: "APIGroupList", apiVersion: "v1", groups }
    }
    const groupVersion = pathname.replace(/^\/apis?\//u, "")
    const served = [...this.#resources]
      .filter(([key]) => key.startsWith(`${groupVersion}/`))
      .map(([, resource]) => resource)
    if (served.length === 0) throw new Refused(404, "NotFound", "the server could not find the requested resource")
    const scaled = ["deployments", "statefulsets", "replicasets"]
    const resources = served.flatMap(({ kind, plural }) => {
      const one = (name: string, of: string): JsonObject => ({
        name,
        singularName: "",
        namespaced: plural !== "namespaces",
        kind: of,
        verbs: ["get", "list", "watch", "patch"]
      })
      return [
        one(plural, kind),
        one(`${plural}/status`, kind),
        ...(scaled.includes(plural) ? [one(`${plural}/scale`, "Scale")] : [])
      ]
    })
    return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources }
  }

  #metrics({ name, namespace = "" }: Asked, query: Readonly<Record<string, string>>): JsonObject {
    const selector = query["labelSelector"] ?? ""
    const app = /(?:^|,)\s*app\s*==?\s*([^,\s]+)/u.exec(selector)?.[1]
    const now = Date.now()
    const one = app === undefined ? undefined : this.fleet.member(namespace, app)
    if (one !== undefined) this.#sampled(one, now)
    const among = this.fleet.members.filter((member) => namespace === "" || member.namespace === namespace)
    const items = (one === undefined ? among : [one]).flatMap((member) => this.fleet.podMetrics(member, now))
    const found = name === undefined ? items : items.filter((item) => objectAt(item, "metadata")["name"] === name)
    return { kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {}, items: found }
  }

  #list({ namespace, resource }: Asked, query: Readonly<Record<string, string>>): JsonObject {
    const token = query["continue"] ?? ""
    const held = token === "" ? undefined : this.#pages.get(token)
    if (token !== "" && held === undefined)
      throw new Refused(410, "Expired", "The provided continue parameter is too old")
    const { from, items, version } = held ?? {
      from: 0,
      items: this.#select(resource, namespace, query),
      version: this.#version
    }
    const limit = Number(query["limit"] ?? 0) || items.length
    const page = items.slice(from, from + limit)
    const metadata: JsonObject = { resourceVersion: String(version) }
    if (from + limit < items.length) {
      const next = `${version}.${from + limit}.${resource.plural}`
      this.#pages.set(next, { items, from: from + limit, version })
      metadata["continue"] = next
      metadata["remainingItemCount"] = items.length - from - limit
    }
    // The items of a list come without kind and apiVersion, as from the built-in kinds of a real server.
    return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: page }
  }

  #select(
    resource: Resource,
    namespace: string | undefined,
    query: Readonly<Record<string, string>>
  ): ReadonlyArray<JsonObject> {
    const terms = [query["labelSelector"], query["fieldSelector"]].map((text) =>
      (text ?? "").split(",").filter((term) => term !== "")
    )
    const [labelTerms = [], fieldTerms = []] = terms
    const fits = (object: JsonObject) =>
      labelTerms.every((term) =>
        holds(term, (name) => textAt(objectAt(objectAt(object, "metadata"), "labels"), name))
      ) &&
      fieldTerms.every((term) =>
        holds(term, (name) => {
          const [head = "", tail = ""] = name.split(".")
          return textAt(objectAt(object, head), tail)
        })
      )
    const all = [...resource.objects.values()]
    const within =
      namespace === undefined ? all : all.filter((object) => objectAt(object, "metadata")["namespace"] === namespace)
    return labelTerms.length + fieldTerms.length === 0 ? within : within.filter(fits)
  }

  #watch({ namespace, resource }: Asked, query: Readonly<Record<string, string>>, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" })
    response.flushHeaders()
    const since = Number(query["resourceVersion"] ?? 0)
    const oldest = resource.log[0]?.version ?? 0
    if (resource.log.length === LOG_MAX && since < oldest) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: `too old resource version: ${since}` }
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`)
      return
    }
    const watcher = { namespace, response }
    for (const event of resource.log) if (event.version > since) this.#tell(watcher, event)
    resource.watchers.add(watcher)
    const over = setTimeout(() => response.end(), Number(query["timeoutSeconds"] ?? 1800) * 1000)
    response.on("close", () => {
      clearTimeout(over)
      resource.watchers.delete(watcher)
    })
  }

  #tell(watcher: Watcher, event: { readonly line: string; readonly namespace: string }): void {
    if (watcher.namespace !== undefined && watcher.namespace !== event.namespace) return
    this.watchEvents++
    watcher.response.write(event.line)
  }

  #bookmark(): void {
    for (const resource of this.#resources.values()) {
      const object = {
        kind: resource.kind,
        apiVersion: apiVersionOf(resource),
        metadata: { resourceVersion: String(this.#version) }
      }
      const line = `${JSON.stringify({ type: "BOOKMARK", object })}\n`
      for (const { response } of resource.watchers) response.write(line)
    }
  }

  #act(method: string, contentType: string, asked: Asked, body: JsonObject): JsonObject {
    const { name = "", namespace, resource, subresource } = asked
    if (resource.kind === "SelfSubjectAccessReview") return { ...body, status: { allowed: true } }
    const key = `${namespace ?? ""}/${method === "POST" ? textAt(objectAt(body, "metadata"), "name") : name}`
    const held = resource.objects.get(key)
    if (method === "POST") {
      if (held !== undefined) throw new Refused(409, "AlreadyExists", `${resource.plural} "${key}" already exists`)
      return this.#put(resource, this.#fresh(resource, namespace, body))
    }
    const applied = contentType.includes("apply-patch")
    if (held === undefined) {
      if (method === "PATCH" && applied && subresource === undefined)
        return this.#put(resource, this.#fresh(resource, namespace, body))
      throw new Refused(404, "NotFound", `${resource.plural} "${key}" not found`)
    }
    this.#check(resource, held, objectAt(body, "metadata"))
    if (subresource === "scale") return this.#scale(method, resource, held, body)
    switch (method) {
      case "GET":
        return held
      case "DELETE":
        this.#remove(resource, held)
        return { kind: "Status", apiVersion: "v1", status: "Success" }
      case "PUT":
        return this.#put(resource, {
          ...body,
          metadata: { ...objectAt(held, "metadata"), ...objectAt(body, "metadata") }
        })
      default:
        if (subresource === "status") return this.#status(resource, held, applied ? body : merged(held, body))
        return this.#put(resource, merged(held, body))
    }
  }

  #check(resource: Resource, held: JsonObject, wanted: JsonObject): void {
    const has = objectAt(held, "metadata")
    for (const field of ["resourceVersion", "uid"]) {
      if (wanted[field] !== undefined && wanted[field] !== has[field]) {
        throw new Refused(409, "Conflict", `${resource.plural} ${textAt(has, "name")}: ${field} has changed`)
      }
    }
  }

  #status(resource: Resource, held: JsonObject, body: JsonObject): JsonObject {
    const status = objectAt(body, "status")
    if (JSON.stringify(status) === JSON.stringify(held["status"])) return held
    const entry = managed("nimbusguard", "Apply", apiVersionOf(resource), { "f:status": fieldsOf(status) }, "status")
    return this.#put(resource, { ...owned(held, entry), status })
  }

  #scale(method: string, resource: Resource, held: JsonObject, body: JsonObject): JsonObject {
    const replicas = objectAt(body, "spec")["replicas"]
    let object = held
    if (method !== "GET" && typeof replicas === "number" && replicas !== objectAt(held, "spec")["replicas"]) {
      const entry = managed(
        "nimbusguard",
        "Update",
        apiVersionOf(resource),
        { "f:spec": { "f:replicas": {} } },
        "scale"
      )
      const next = owned(held, entry)
      const metadata = objectAt(next, "metadata")
      metadata["generation"] = Number(metadata["generation"] ?? 1) + 1
      object = this.#put(resource, { ...next, spec: { ...objectAt(held, "spec"), replicas } })
      setTimeout(() => this.#follow(object, replicas), CONTROLLER_MILLIS).unref()
    }
    const {
      creationTimestamp = "",
      name = "",
      namespace = "",
      resourceVersion = "",
      uid = ""
    } = objectAt(object, "metadata")
    const spec = objectAt(object, "spec")
    return {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { replicas: spec["replicas"] ?? 0 },
      status: {
        replicas: objectAt(object, "status")["replicas"] ?? 0,
        selector: `app=${textAt(objectAt(object, "metadata"), "name")}`
      }
    }
  }

  /** What the controllers do after a scale: pods come or go, ReplicaSet and Deployment say so. */
  #follow(deployment: JsonObject, replicas: number): void {
    const metadata = objectAt(deployment, "metadata")
    const member = this.fleet.member(textAt(metadata, "namespace"), textAt(metadata, "name"))
    if (member === undefined) return
    const pods = this.#resource("v1/pods")
    for (let ordinal = member.replicas; ordinal < replicas; ordinal++) {
      const pod = this.fleet.pod(member, ordinal)
      const spec = { ...objectAt(pod, "spec"), nodeName: "" }
      this.#put(pods, { ...pod, spec, status: { phase: "Pending" } })
      this.#put(pods, { ...pod, status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "True" }] } })
      this.#put(pods, pod)
    }
    for (let ordinal = replicas; ordinal < member.replicas; ordinal++) {
      const pod = pods.objects.get(`${member.namespace}/${podName(member, ordinal)}`)
      if (pod === undefined) continue
      const deletionTimestamp = new Date().toISOString().replace(/\.\d+/u, "")
      this.#put(pods, { ...pod, metadata: { ...objectAt(pod, "metadata"), deletionTimestamp } })
      this.#remove(pods, pod)
    }
    member.replicas = replicas
    this.#put(this.#resource("apps/v1/replicasets"), this.fleet.replicaSet(member))
    const deployments = this.#resource("apps/v1/deployments")
    const current = deployments.objects.get(`${member.namespace}/${member.name}`)
    if (current === undefined) return
    const generation = Number(objectAt(current, "metadata")["generation"] ?? 1)
    this.#put(deployments, { ...current, status: deploymentStatus(generation, replicas) })
  }

  #fresh(resource: Resource, namespace: string | undefined, body: JsonObject): JsonObject {
    const metadata: JsonObject = {
      ...objectAt(body, "metadata"),
      ...(namespace === undefined ? {} : { namespace }),
      uid: crypto.randomUUID(),
      generation: 1,
      creationTimestamp: new Date().toISOString().replace(/\.\d+/u, "")
    }
    return { kind: resource.kind, apiVersion: apiVersionOf(resource), ...body, metadata }
  }

  #put(resource: Resource, object: JsonObject): JsonObject {
    const metadata = objectAt(object, "metadata")
    const key = `${textAt(metadata, "namespace")}/${textAt(metadata, "name")}`
    const type = resource.objects.has(key) ? "MODIFIED" : "ADDED"
    const stored = { ...object, metadata: { ...metadata, resourceVersion: String(++this.#version) } }
    resource.objects.set(key, stored)
    this.#publish(resource, type, stored)
    return stored
  }

  #remove(resource: Resource, object: JsonObject): void {
    const metadata = objectAt(object, "metadata")
    resource.objects.delete(`${textAt(metadata, "namespace")}/${textAt(metadata, "name")}`)
    this.#publish(resource, "DELETED", {
      ...object,
      metadata: { ...metadata, resourceVersion: String(++this.#version) }
    })
  }

  #publish(resource: Resource, type: string, object: JsonObject): void {
    if (!this.#serving) return
    const namespace = textAt(objectAt(object, "metadata"), "namespace")
    const event = { version: this.#version, line: `${JSON.stringify({ type, object })}\n`, namespace }
    resource.log.push(event)
    if (resource.log.length > LOG_MAX) resource.log.shift()
    for (const watcher of resource.watchers) this.#tell(watcher, event)
  }

  /** Before, nobody can be watching. */
  #serving = false
  serve(): void {
    this.#serving = true
  }

  #resource(key: string): Resource {
    const resource = this.#resources.get(key)
    if (resource === undefined) throw new Error(`${key} is not served`)
    return resource
  }

  #count(counts: Map<string, number>, what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
}

const apiVersionOf = ({ group, version }: Resource): string => (group === "" ? version : `${group}/${version}`)

/** One term of a selector: a=b, a==b or a!=b. */
const holds = (term: string, valueOf: (name: string) => string): boolean => {
  const [, name = "", operator = "", value = ""] = /^\s*([^!=\s]+)\s*(==|!=|=)\s*(\S*)\s*$/u.exec(term) ?? []
  if (operator === "") throw new Refused(400, "BadRequest", `the stub does not know the selector ${term}`)
  return operator === "!=" ? valueOf(name) !== value : valueOf(name) === value
}

/** RFC 7386. */
const merged = (target: JsonObject, patch: JsonObject): JsonObject => {
  const result: JsonObject = { ...target }
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field]
    else if (typeof value === "object" && !Array.isArray(value))
      result[field] = merged(objectAt(result, field), value as JsonObject)
    else result[field] = value
  }
  return result
}

/** The object with the manager's entry put in the place of its older one. */
const owned = (object: JsonObject, entry: JsonObject): JsonObject => {
  const metadata = objectAt(object, "metadata")
  const before = Array.isArray(metadata["managedFields"])
    ? (metadata["managedFields"] as ReadonlyArray<JsonObject>)
    : []
  const others = before.filter(
    ({ manager, subresource }) => manager !== entry["manager"] || subresource !== entry["subresource"]
  )
  return { ...object, metadata: { ...metadata, managedFields: [...others, entry] } }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString("utf8")
}

const reply = (response: ServerResponse, status: number, body: Json): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? "{}") as StubOptions
  const stub = new StubApi(options.fleet)
  stub.serve()
  const keep = { keepAliveTimeout: 120_000, noDelay: true }
  const tls = { cert: readFileSync(options.certificatePath), key: readFileSync(options.keyPath) }
  const api = createHttpsServer({ ...keep, ...tls }, (request, response) => void stub.api(request, response))
  const prometheus = createHttpServer(keep, (request, response) => void stub.prometheus(request, response))
  api.on("secureConnection", () => void stub.connections.api++)
  prometheus.on("connection", () => void stub.connections.prometheus++)
  api.listen(0, "127.0.0.1", () => {
    prometheus.listen(0, "127.0.0.1", () => {
      const ports: StubPorts = {
        apiPort: (api.address() as AddressInfo).port,
        prometheusPort: (prometheus.address() as AddressInfo).port
      }
      process.stdout.write(`${JSON.stringify(ports)}\n`)
    })
  })
  // The benchmark that started it holds its standard input; when that ends, nobody needs it any more.
  process.stdin.on("end", () => process.exit(0)).resume()
}
