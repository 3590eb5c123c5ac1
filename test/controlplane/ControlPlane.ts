// Owns the processes of a real Kubernetes control plane: etcd, API server, controllers, scheduler, and kwok, which plays
// the nodes, so that pods become Ready without a container engine. Everything listens on loopback, lives in one
// temporary folder and dies with this process. What a test does with it is in Cluster.ts.
import { generateKeyPairSync, randomBytes, timingSafeEqual } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { controlPlanePrograms, findPrograms, type Programs, remedyFor } from "./Binaries.ts"
import { CertificateAuthority } from "./Certificates.ts"
import { Cluster, type ClusterAddress, type Component, kubeconfigText, type Verb } from "./Cluster.ts"
import { eventually } from "./eventually.ts"
import { freePort, type Launch, ProcessGroup, type ServerProcess } from "./Processes.ts"

export interface User {
  readonly name: string
  readonly groups?: ReadonlyArray<string>
}

export interface ControlPlaneOptions {
  readonly programs?: Programs
  /** How often the HorizontalPodAutoscaler controller looks. Default: 2 s (Kubernetes: 15 s). */
  readonly hpaSyncMillis?: number
  /** Further users with a token of their own; what they may do is the test's to grant. */
  readonly users?: ReadonlyArray<User>
  /** Further flags, after ours. */
  readonly flags?: Readonly<Partial<Record<Component, ReadonlyArray<string>>>>
}

const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/openapi/*"] },
    // Who set replicas to what is told by nothing else once a second writer has been there.
    { level: "RequestResponse", resources: [{ group: "apps", resources: ["*/scale"] }] },
    { level: "Metadata" }
  ]
}

const controllers = [
  "clusterrole-aggregation",
  "cronjob",
  "daemonset",
  "deployment",
  "disruption",
  "endpointslice",
  "garbage-collector",
  "horizontal-pod-autoscaler",
  "job",
  "namespace",
  "pod-garbage-collector",
  "replicaset",
  "resourcequota",
  "serviceaccount",
  "statefulset",
  "validatingadmissionpolicy-status"
].map((name) => `${name}-controller`)

const systemUsers: ReadonlyArray<User> = [
  { name: "admin", groups: ["system:masters"] },
  { name: "kwok", groups: ["system:masters"] },
  { name: "system:kube-controller-manager" },
  { name: "system:kube-scheduler" }
]

const newToken = (): string => randomBytes(16).toString("hex")

/** A port was taken between our looking and the server's listening; worth another try with other ports. */
class PortTaken extends Error {}

export class ControlPlane extends Cluster {
  readonly #group: ProcessGroup
  readonly #launches: Readonly<Record<Component, Launch>>
  readonly #running = new Map<Component, ServerProcess>()
  readonly #wanted = new Set<Component>()
  readonly #control: Server
  #isBooted = false
  #isStopped = false

  private constructor(
    address: ClusterAddress,
    group: ProcessGroup,
    launches: Readonly<Record<Component, Launch>>,
    control: Server
  ) {
    super(address)
    this.#group = group
    this.#launches = launches
    this.#control = control
  }

  /** Starts everything and returns when a pod can become Ready. */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const programs = options.programs ?? findPrograms()
    const missing = controlPlanePrograms.filter((program) => programs[program] === undefined)
    if (missing.length > 0) throw new Error(missing.map(remedyFor).join("\n"))
    for (let tries = 1; ; tries += 1) {
      const plane = await ControlPlane.#prepare(options, programs)
      try {
        await plane.#boot()
        return plane
      } catch (error) {
        await plane.stop()
        if (!(error instanceof PortTaken) || tries === 3) throw error
      }
    }
  }

  static async #prepare(options: ControlPlaneOptions, programs: Programs): Promise<ControlPlane> {
    const group = await ProcessGroup.open("controlplane")
    try {
      return await ControlPlane.#assemble(group, options, programs)
    } catch (error) {
      await group.close()
      throw error
    }
  }

  static async #assemble(group: ProcessGroup, options: ControlPlaneOptions, programs: Programs): Promise<ControlPlane> {
    const [apiPort, etcdPort, peerPort] = [await freePort(), await freePort(), await freePort()]
    const url = `https://127.0.0.1:${apiPort}`

    const authority = await CertificateAuthority.create(group.folder)
    const [serving, frontProxy] = await Promise.all([
      authority.issue({
        name: "apiserver",
        dnsNames: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
      }),
      authority.issue({ name: "front-proxy-client" })
    ])
    const accountKey = generateKeyPairSync("ec", { namedCurve: "P-256" })
    await writeFile(group.path("sa.key"), accountKey.privateKey.export({ type: "pkcs8", format: "pem" }), {
      mode: 0o600
    })
    await writeFile(group.path("sa.pub"), accountKey.publicKey.export({ type: "spki", format: "pem" }))
    await writeFile(group.path("audit-policy.json"), JSON.stringify(auditPolicy))

    const users = [...systemUsers, ...(options.users ?? [])].map((user) => ({ ...user, token: newToken() }))
    const tokens = Object.fromEntries(users.map((user) => [user.name, user.token]))
    const tokenLines = users.map((user) => `${user.token},${user.name},${user.name},"${(user.groups ?? []).join(",")}"`)
    await writeFile(group.path("tokens.csv"), `${tokenLines.join("\n")}\n`, { mode: 0o600 })
    const kubeconfig = async (user: string): Promise<string> => {
      const path = group.path(`kubeconfig-${user.replaceAll(":", "-")}.json`)
      const text = kubeconfigText({
        server: url,
        caPath: authority.certificatePath,
        user: { token: tokens[user] ?? "" }
      })
      await writeFile(path, text, { mode: 0o600 })
      return path
    }

    const launch = (name: Component, args: Readonly<Record<string, string>>): Launch => ({
      name,
      program: programs[name] ?? "",
      args: [...Object.entries(args).map(([flag, value]) => `--${flag}=${value}`), ...(options.flags?.[name] ?? [])]
    })
    const launches: Record<Component, Launch> = {
      etcd: launch("etcd", {
        "data-dir": group.path("etcd"),
        "listen-client-urls": `http://127.0.0.1:${etcdPort}`,
        "advertise-client-urls": `http://127.0.0.1:${etcdPort}`,
        "listen-peer-urls": `http://127.0.0.1:${peerPort}`,
        "initial-advertise-peer-urls": `http://127.0.0.1:${peerPort}`,
        "initial-cluster": `default=http://127.0.0.1:${peerPort}`,
        // A test's data need not survive a power failure, and syncing is most of a write's time.
        "unsafe-no-fsync": "true",
        "log-level": "warn"
      }),
      "kube-apiserver": launch("kube-apiserver", {
        "etcd-servers": `http://127.0.0.1:${etcdPort}`,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        // It would put the loopback address into an EndpointSlice, which is refused.
        "endpoint-reconciler-type": "none",
        "secure-port": String(apiPort),
        "tls-cert-file": serving.certificatePath,
        "tls-private-key-file": serving.keyPath,
        "client-ca-file": authority.certificatePath,
        "token-auth-file": group.path("tokens.csv"),
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-signing-key-file": group.path("sa.key"),
        "service-account-key-file": group.path("sa.pub"),
        "service-cluster-ip-range": "10.96.0.0/16",
        "allow-privileged": "true",
        // New nodes would carry the not-ready taint until a node-lifecycle controller takes it away.
        "disable-admission-plugins": "TaintNodesByCondition",
        "requestheader-client-ca-file": authority.certificatePath,
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": frontProxy.certificatePath,
        "proxy-client-key-file": frontProxy.keyPath,
        // An ExternalName service, which is how a test server is reached, is resolved only without it.
        "enable-aggregator-routing": "false",
        "audit-policy-file": group.path("audit-policy.json"),
        "audit-log-path": group.path("audit.log"),
        "audit-log-maxsize": "10000",
        profiling: "false"
      }),
      "kube-controller-manager": launch("kube-controller-manager", {
        kubeconfig: await kubeconfig("system:kube-controller-manager"),
        controllers: controllers.join(","),
        // Each controller acts under its own name, so the audit log tells the HPA from the Deployment controller.
        "use-service-account-credentials": "true",
        "service-account-private-key-file": group.path("sa.key"),
        "horizontal-pod-autoscaler-sync-period": `${options.hpaSyncMillis ?? 2000}ms`,
        "leader-elect": "false",
        "secure-port": "0",
        "kube-api-qps": "500",
        "kube-api-burst": "1000"
      }),
      "kube-scheduler": launch("kube-scheduler", {
        kubeconfig: await kubeconfig("system:kube-scheduler"),
        "leader-elect": "false",
        "secure-port": "0",
        "kube-api-qps": "500",
        "kube-api-burst": "1000"
      }),
      kwok: launch("kwok", {
        kubeconfig: await kubeconfig("kwok"),
        // Nodes that a test plays itself are its own.
        "manage-nodes-with-label-selector": "kubernetes.io/hostname",
        cidr: "10.200.0.1/14"
      })
    }

    const secret = newToken()
    const control = createServer()
    await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve))
    control.unref()
    const address: ClusterAddress = {
      url,
      folder: group.folder,
      auditLogPath: group.path("audit.log"),
      adminToken: tokens["admin"] ?? "",
      users: tokens,
      programs,
      controlUrl: `http://127.0.0.1:${(control.address() as AddressInfo).port}/${secret}`
    }
    const plane = new ControlPlane(address, group, launches, control)
    const wanted = Buffer.from(secret)
    control.on("request", (request, response) => {
      const [, given = "", verb = "", component = ""] = (request.url ?? "").split("/")
      const known = Buffer.from(given)
      if (known.length !== wanted.length || !timingSafeEqual(known, wanted) || !(component in launches)) {
        response.writeHead(404).end("no such command")
        return
      }
      plane.control(verb as Verb, component as Component).then(
        () => response.writeHead(204).end(),
        (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error))
      )
    })
    return plane
  }

  #start(component: Component): ServerProcess {
    const server = this.#group.start(this.#launches[component])
    this.#running.set(component, server)
    this.#wanted.add(component)
    void server.exited.then(async () => {
      // What a kubelet would do for the others: a controller that gave up while the API server was away comes back.
      const supervised = component !== "etcd" && component !== "kube-apiserver"
      await new Promise((resolve) => setTimeout(resolve, 500))
      if (supervised && this.#isBooted && this.#wanted.has(component) && this.#running.get(component) === server) {
        this.#start(component)
      }
    })
    return server
  }

  #process(component: Component): ServerProcess {
    const server = this.#running.get(component)
    if (server === undefined) throw new Error(`${component} was never started`)
    return server
  }

  async #ready(): Promise<void> {
    const [etcd, apiServer] = [this.#process("etcd"), this.#process("kube-apiserver")]
    const servers = [etcd, apiServer]
    try {
      await eventually(async () => (await this.send("GET", "/readyz", { timeoutMillis: 2000 })).status === 200, {
        what: "the API server to be ready",
        timeoutMillis: 120_000,
        intervalMillis: 50,
        assertHope: () => servers.forEach((server) => server.assertRunning())
      })
    } catch (error) {
      const isTaken = servers.some((server) => server.tail(200).includes("address already in use"))
      if (isTaken) throw new PortTaken("another program took a port that was free", { cause: error })
      throw new Error(`${String(error)}\nkube-apiserver says:\n${apiServer.tail()}\netcd says:\n${etcd.tail()}`)
    }
  }

  async #boot(): Promise<void> {
    this.#start("etcd")
    this.#start("kube-apiserver")
    await this.#ready()
    this.#start("kube-controller-manager")
    this.#start("kube-scheduler")
    this.#start("kwok")
    await this.addNode("node-0")
    const servers = (["kube-controller-manager", "kube-scheduler", "kwok"] as const).map((each) => this.#process(each))
    await eventually(
      async (seen) => {
        const node = await this.get<{
          readonly status: { readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }> }
        }>("/api/v1/nodes/node-0")
        seen(node.status.conditions)
        const isReady = node.status.conditions?.some((each) => each.type === "Ready" && each.status === "True") ?? false
        return isReady && (await this.find("/api/v1/namespaces/default/serviceaccounts/default")) !== undefined
      },
      {
        what: "node-0 to be Ready and the default service account to exist",
        timeoutMillis: 120_000,
        assertHope: () => servers.forEach((server) => server.assertRunning())
      }
    )
    this.#isBooted = true
  }

  /** The owner acts itself; every other view asks over HTTP. */
  override async control(verb: Verb, component: Component): Promise<void> {
    if (this.#isStopped) throw new Error("the control plane is stopped")
    switch (verb) {
      case "kill": {
        this.#wanted.delete(component)
        await this.#process(component).kill()
        return
      }
      case "restart": {
        this.#wanted.delete(component)
        await this.#process(component).kill()
        this.#start(component)
        if (component === "etcd" || component === "kube-apiserver") await this.#ready()
        return
      }
      case "freeze": {
        await this.#process(component).freeze()
        return
      }
      case "thaw": {
        this.#process(component).thaw()
        return
      }
      default:
        throw new Error(`no such command: ${String(verb)}`)
    }
  }

  /** The log of one process, for the message of a failure. */
  log(component: Component): string {
    return this.#process(component).log()
  }

  /** Kills everything; nothing is left behind. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#wanted.clear()
    this.disconnect()
    this.#control.closeAllConnections()
    await new Promise<void>((resolve) => this.#control.close(() => resolve()))
    await this.#group.close()
  }
}
