/**
 * The names by which this machine calls itself. A browser is led here through a name of somebody else's as easily as
 * through these, and takes what it then reads for that name's own: what listens on loopback asks for which name it came.
 */
const OWN = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/iu

/** Of a Host header: localhost or an address of loopback, with a port or without. */
export const isOwnName = (host: string | undefined): boolean => OWN.test(host ?? "")

/** What containers of Docker Desktop call the machine that they run on: they reach its loopback by no other name. */
const OF_CONTAINERS = /^host\.docker\.internal(?::\d+)?$/iu

/**
 * Of a Host header, for what only tells and has nothing to hide. Nobody can own a name under `internal`, which public
 * DNS never delegates, so no page of the web comes by this one; but, unlike localhost, a browser asks the network for
 * it, and a network that lies could lead a page in: nothing that writes, or knows a real cluster, goes by it.
 */
export const isOwnNameOfContainers = (host: string | undefined): boolean =>
  isOwnName(host) || OF_CONTAINERS.test(host ?? "")

export const ONLY_OWN_NAMES =
  "Ask for localhost or 127.0.0.1: this port answers only to this machine's own names, so that no web page reaches it through another"
