/** Which Service a host name means, as a cluster's DNS has it; who is asked from outside a namespace need not say which. */

export interface ServiceName {
  readonly name: string
  /** Undefined: any. */
  readonly namespace: string | undefined
}

/** `nats`, `nats.messaging`, `nats.messaging.svc`, `nats.messaging.svc.cluster.local`; undefined: no such name. */
export const serviceName = (host: string): ServiceName | undefined => {
  const [name = "", namespace, ...rest] = host.toLowerCase().replace(/\.$/u, "").split(".")
  const suffix = rest.join(".")
  return name !== "" && ["", "svc", "svc.cluster.local"].includes(suffix) ? { name, namespace } : undefined
}

/** Whether a host that somebody names is the server that is declared under this name. */
export const isHost = (declared: string, host: string): boolean => {
  if (declared.toLowerCase() === host.toLowerCase()) return true
  const [there, asked] = [serviceName(declared), serviceName(host)]
  if (there === undefined || asked === undefined || there.name !== asked.name) return false
  return there.namespace === undefined || asked.namespace === undefined || there.namespace === asked.namespace
}
