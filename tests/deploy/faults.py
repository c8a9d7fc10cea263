"""Single faults in deploy/ that rules find: name, file, text and what it becomes, words of the rule."""

from __future__ import annotations

DEPLOYMENT, SERVICE, POLICY = "base/deployment.yaml", "base/service.yaml", "base/network-policy.yaml"
BUDGET, SCALER = "base/disruption-budget.yaml", "base/autoscaler.yaml"
WORKER, OUT = "pipeline/prefect-worker.yaml", "pipeline/network-policy.yaml"
NAME, SELECTS = "app.kubernetes.io/name: palate", "nothing has the labels that it selects"
MONITOR = "components/service-monitor/service-monitor.yaml"

Fault = tuple[str, str, str, str, str]

FAULTS: list[Fault] = [
    ("selector of the Service", SERVICE, f"  selector: {{{NAME}}}\n  ports:\n    - {{name: http, port: 80",
     "  selector: {a: pallet}\n  ports:\n    - {name: http, port: 80", SELECTS),
    ("selector of the Deployment", DEPLOYMENT, f"  selector:\n    matchLabels: {{{NAME}}}\n  strategy",
     "  selector:\n    matchLabels: {a: x}\n  strategy", SELECTS),
    ("selector of the budget", BUDGET, NAME, "a: x", SELECTS),
    ("selector of a policy", POLICY, NAME, "a: x", SELECTS),
    ("target port", SERVICE, "port: 80, targetPort: http", "port: 80, targetPort: web", "opens port web"),
    ("autoscaler's target", SCALER, "kind: Deployment, name: palate", "kind: Deployment, name: pallet",
     "Deployment pallet is not there"),
    ("budget that lets nobody go", BUDGET, "minAvailable: 1", "minAvailable: 2", "lets no pod go"),
    ("ConfigMap that is missing", DEPLOYMENT, "configMapRef: {name: palate}", "configMapRef: {name: x}",
     "ConfigMap x is not there"),
    ("tag for a digest", DEPLOYMENT, "palate.invalid/run-a-release-first", "registry.example/palate:1",
     "is not pinned by its digest"),
    ("no default deny", POLICY, "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "denies what"),
    ("account", WORKER, "serviceAccountName: prefect-worker", "serviceAccountName: worker",
     "ServiceAccount worker is not there"),
    ("Role", WORKER, "kind: Role, name: prefect-worker", "kind: Role, name: worker",
     "Role worker is not there"),
    ("subject", WORKER, "kind: ServiceAccount, name: prefect-worker", "kind: ServiceAccount, name: worker",
     "ServiceAccount worker is not there"),
    ("no DNS", OUT, "{protocol: UDP, port: 53}", "{protocol: UDP, port: 54}", "not ask for names"),
    ("port of a policy", POLICY, "port: http", "port: web", "opens port web"),
    ("nobody let in", POLICY, "  policyTypes: [Ingress]\n  ingress:\n",
     "  policyTypes: [Ingress]\n  outgress:\n", "lets anybody ask its pods"),
    ("replicas beside an autoscaler", DEPLOYMENT, "spec:\n  minReady", "spec:\n  replicas: 3\n  minReady",
     "sets replicas"),
    ("a first step of somebody's", DEPLOYMENT, "      containers:\n",
     "      initContainers: [{name: first, image: busybox}]\n      containers:\n",
     "image busybox is not pinned"),
    ("selector of the monitor", MONITOR, NAME, "a: x", SELECTS),
    ("port of the monitor", MONITOR, "port: http", "port: web", "opens port web"),
    ("a denial for some", POLICY, "podSelector: {}", "podSelector: {matchLabels: {a: b}}", "denies what"),
    ("a denial with a way out", POLICY, "policyTypes: [Ingress, Egress]",
     "policyTypes: [Ingress, Egress]\n  egress: [{}]", "denies what"),
    ("a way to S3 for nobody", "components/s3-port/network-policy.yaml", "palate/role: mlflow",
     "palate/role: mlfow", SELECTS),
]  # fmt: skip
