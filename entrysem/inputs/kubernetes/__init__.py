"""Kubernetes manifests: every container, probe and hook of the pods that they describe.

    kubectl     YAML 1.1 or JSON, one object a document, `List`s taken apart       (`manifests`)
    API server  decodes the object into Go types, and refuses what does not fit    (`fields`)
    kubelet     makes the container's environment, replaces `$(NAME)`              (`environment`)
    runtime     merges command and args with the image                             (`entrysem.merge`)

`pods` walks from a pod to its subjects. What is known only in a cluster (a Secret's value, the Services
of the namespace, what an admission webhook changes) is never guessed: a note says which word depends on
it.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables),
pkg/kubelet/container/helpers.go, pkg/kubelet/prober/prober.go, pkg/kubelet/lifecycle/handlers.go; each
module names its lines.
"""

from entrysem.inputs.kubernetes.manifests import read_kubernetes

__all__ = ["read_kubernetes"]
