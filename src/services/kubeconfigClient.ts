/**
 * The part of Kubernetes' own client that the operator uses: kubeconfigs and the credentials that they name. Named
 * here, so that whoever loads it loads neither the client's models nor its transport with it.
 */
export { KubeConfig } from "@kubernetes/client-node"
