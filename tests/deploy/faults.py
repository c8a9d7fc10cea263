"""Single faults in deploy/, as data: name, file, text and what it becomes, words of the rule that finds it.

Without words the golden files alone find it. All are edits of a source, so that a source that no golden file
renders would show.
"""

from __future__ import annotations

DEPLOYMENT, SERVICE, POLICY = "base/deployment.yaml", "base/service.yaml", "base/network-policy.yaml"
BUDGET, SCALER = "base/disruption-budget.yaml", "base/autoscaler.yaml"
MLFLOW, WORKER, JOB = "pipeline/mlflow.yaml", "pipeline/prefect-worker.yaml", "pipeline/job-template.json"
OUT, NAMESPACE = "pipeline/network-policy.yaml", "overlays/prod/namespace.yaml"
NAME, SELECTS = "app.kubernetes.io/name: palate", "nothing has the labels that it selects"
MONITOR = "components/service-monitor/service-monitor.yaml"
SECURITY = "      securityContext:\n        runAsNonRoot: true\n"
CONTAINER = "            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n"

Fault = tuple[str, str, str, str, str]

OF_A_REVIEW: list[Fault] = [
    ("selector of the Service", SERVICE, f"  selector: {{{NAME}}}\n  ports:\n    - {{name: http, port: 80",
     "  selector: {a: pallet}\n  ports:\n    - {name: http, port: 80", SELECTS),
    ("selector of the Deployment", DEPLOYMENT, f"  selector:\n    matchLabels: {{{NAME}}}\n  strategy",
     "  selector:\n    matchLabels: {a: x}\n  strategy", SELECTS),
    ("selector of the budget", BUDGET, NAME, "a: x", SELECTS),
    ("selector of a policy", POLICY, NAME, "a: x", SELECTS),
    ("target port", SERVICE, "port: 80, targetPort: http", "port: 80, targetPort: web", "opens port web"),
    ("port of a probe", DEPLOYMENT, "{path: /readyz, port: http}", "{path: /readyz, port: web}", ""),
    ("autoscaler's target", SCALER, "kind: Deployment, name: palate", "kind: Deployment, name: pallet",
     "Deployment pallet is not there"),
    ("minimum over maximum", SCALER, "minReplicas: 2", "minReplicas: 7", ""),
    ("budget that lets nobody go", BUDGET, "minAvailable: 1", "minAvailable: 2", "lets no pod go"),
    ("ConfigMap that is missing", DEPLOYMENT, "configMapRef: {name: palate}", "configMapRef: {name: x}",
     "ConfigMap x is not there"),
    ("request over limit", DEPLOYMENT, "memory: 1536Mi", "memory: 3Gi", ""),
    ("quantity", DEPLOYMENT, "memory: 2Gi", "memory: 2 GB", ""),
    ("tag for a digest", DEPLOYMENT, "palate.invalid/run-a-release-first", "registry.example/palate:1",
     "is not pinned by its digest"),
    ("pods may be root", DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false", ""),
    ("privileged", DEPLOYMENT, CONTAINER, f"{CONTAINER}            privileged: true\n", ""),
    ("root to write to", DEPLOYMENT, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", ""),
    ("no default deny", POLICY, "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "denies what"),
    ("user 0 of the pod", DEPLOYMENT, "runAsUser: 1034", "runAsUser: 0", ""),
    ("user 0 of the container", DEPLOYMENT, CONTAINER, f"{CONTAINER}            runAsUser: 0\n", ""),
    ("port of the host", DEPLOYMENT, "containerPort: 3000}", "containerPort: 3000, hostPort: 3000}", ""),
    ("budget with both fields", BUDGET, "minAvailable: 1", "minAvailable: 1\n  maxUnavailable: 1", ""),
    ("rollout without a way", DEPLOYMENT, "maxSurge: 1", "maxSurge: 0", ""),
    ("mount of no volume", DEPLOYMENT, "- {name: scratch, mount", "- {name: scrap, mount", ""),
    ("liveness twice", DEPLOYMENT, "          livenessProbe:\n",
     "          livenessProbe:\n            successThreshold: 2\n", ""),
    ("spread", DEPLOYMENT, "hostname\n          whenUnsatisfiable: Schedule",
     "hostname\n          whenUnsatisfiable: ", ""),
    ("unknown level", NAMESPACE, "pod-security.kubernetes.io/warn", "pod-security.kubernetes.io/wrn", ""),
    ("no level", NAMESPACE, "    pod-security.kubernetes.io/enforce: restricted\n", "", ""),
    ("account", WORKER, "serviceAccountName: prefect-worker", "serviceAccountName: worker",
     "ServiceAccount worker is not there"),
    ("Role", WORKER, "kind: Role, name: prefect-worker", "kind: Role, name: worker",
     "Role worker is not there"),
    ("subject", WORKER, "kind: ServiceAccount, name: prefect-worker", "kind: ServiceAccount, name: worker",
     "ServiceAccount worker is not there"),
    ("claim", JOB, '"claimName": "palate-clone"', '"claimName": "clone"', ""),
    ("token", DEPLOYMENT, "      automountServiceAccountToken: false\n", "", ""),
    ("grace", DEPLOYMENT, "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 30", ""),
    ("port of the container", DEPLOYMENT, "containerPort: 3000", "containerPort: 8000", ""),
    ("path of a probe", DEPLOYMENT, "path: /readyz", "path: /ready", ""),
    ("target's API", SCALER, "apiVersion: apps/v1", "apiVersion: apps/v2", ""),
    ("MLflow's port", MLFLOW, "port: 5000, targetPort", "port: 5001, targetPort", ""),
    ("no DNS", OUT, "{protocol: UDP, port: 53}", "{protocol: UDP, port: 54}", "not ask for names"),
    ("port of a policy", POLICY, "port: http", "port: web", "opens port web"),
    ("monitoring", POLICY, "name: monitoring", "name: monitor", ""),
    ("nobody let in", POLICY, "  policyTypes: [Ingress]\n  ingress:\n",
     "  policyTypes: [Ingress]\n  outgress:\n", "lets anybody ask its pods"),
]  # fmt: skip
OF_OUR_OWN: list[Fault] = [  # which releases held
    ("broken pods block a node", BUDGET, "unhealthyPodEvictionPolicy: AlwaysAllow",
     "unhealthyPodEvictionPolicy: IfHealthyBudget", ""),
    ("service links", MLFLOW, "      enableServiceLinks: false", "      enableServiceLinks: true", ""),
    ("no deadline", JOB, '        "activeDeadlineSeconds": "{{ deadline_s }}",\n', "", ""),
    ("volume walked", JOB, '"fsGroupChangePolicy": "OnRootMismatch"', '"fsGroupChangePolicy": "Always"', ""),
    ("disk without limit", MLFLOW, "{memory: 2Gi, ephemeral-storage: 4Gi}", "{memory: 2Gi}", ""),
]  # fmt: skip
OF_THE_RULES: list[Fault] = [  # which the former rules found one by one
    ("replicas beside an autoscaler", DEPLOYMENT, "spec:\n  minReady", "spec:\n  replicas: 3\n  minReady",
     "sets replicas"),
    ("another Secret", DEPLOYMENT, "secretName: palate-token", "secretName: other", ""),
    ("nothing requested", DEPLOYMENT, 'cpu: "1", memory: 1536Mi, ', "", ""),
    ("capabilities kept", DEPLOYMENT, "drop: [ALL]", "drop: []", ""),
    ("escalation", DEPLOYMENT, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", ""),
    ("capabilities added", DEPLOYMENT, "drop: [ALL]", "drop: [ALL], add: [NET_ADMIN]", ""),
    ("seccomp", DEPLOYMENT, "type: RuntimeDefault", "type: Unconfined", ""),
    ("the host's network", DEPLOYMENT, SECURITY, f"      hostNetwork: true\n{SECURITY}", ""),
    ("the host's files", DEPLOYMENT, "emptyDir: {sizeLimit: 256Mi}", "hostPath: {path: /}", ""),
    ("a first step of somebody's", DEPLOYMENT, "      containers:\n",
     "      initContainers: [{name: first, image: busybox}]\n      containers:\n",
     "image busybox is not pinned"),
    ("a quantity of three numbers", DEPLOYMENT, 'limits: {cpu: "2"', 'limits: {cpu: "1.2.3"', ""),
    ("all must stay", BUDGET, "minAvailable: 1", "minAvailable: 100%", ""),
    ("nobody may go", BUDGET, "minAvailable: 1", "maxUnavailable: 0", ""),
    ("selector of the monitor", MONITOR, NAME, "a: x", SELECTS),
    ("port of the monitor", MONITOR, "port: http", "port: web", "opens port web"),
    ("a denial for some", POLICY, "podSelector: {}", "podSelector: {matchLabels: {a: b}}", "denies what"),
    ("a denial with a way out", POLICY, "policyTypes: [Ingress, Egress]",
     "policyTypes: [Ingress, Egress]\n  egress: [{}]", "denies what"),
]  # fmt: skip
NEW: list[Fault] = [
    ("a token volume without fsGroup", DEPLOYMENT, "        fsGroup: 1034\n", "", ""),
    ("an emptyDir of a quarter of a byte", DEPLOYMENT, "sizeLimit: 256Mi", "sizeLimit: 256m", ""),
    ("a Role of everything", WORKER, "resources: [jobs]", 'resources: ["*"]', ""),
    ("an open ingress peer", POLICY, '- namespaceSelector:\n            matchLabels: {palate/client: "true"}',
     "- namespaceSelector: {}", ""),
    ("a typo in preStop", DEPLOYMENT, "command: [sleep,", "command: [slep,", ""),
    ("a night that starts again", JOB, '"backoffLimit": 0', '"backoffLimit": 3', ""),
    ("a token that its user may not read", DEPLOYMENT, "defaultMode: 0440", "defaultMode: 0400", ""),
    ("a token in another folder", DEPLOYMENT, "mountPath: /run/palate", "mountPath: /run/secrets", ""),
    ("a store of Bentos on the read-only root", DEPLOYMENT, "value: /tmp/bentoml", "value: /bentoml", ""),
    ("a model hub that is asked", "base/kustomization.yaml", "HF_HUB_OFFLINE=1", "HF_HUB_OFFLINE=0", ""),
    ("a scratch folder in memory", DEPLOYMENT, "{sizeLimit: 256Mi}",
     "{sizeLimit: 256Mi, medium: Memory}", ""),
    ("another key of the store's Secret", "components/store/kustomization.yaml", "key: url", "key: uri", ""),
    ("MLflow without its login", MLFLOW, "--app-name, basic-auth, ", "", ""),
    ("a way to S3 for nobody", "components/s3-port/network-policy.yaml", "palate/role: mlflow",
     "palate/role: mlfow", SELECTS),
    ("Prefect's telemetry", WORKER, 'ANALYTICS_ENABLED, value: "false"',
     'ANALYTICS_ENABLED, value: "true"', ""),
    ("an autoscaler that never adds", SCALER, "averageUtilization: 70", "averageUtilization: 700", ""),
]  # fmt: skip
FAULTS = [*OF_A_REVIEW, *OF_OUR_OWN, *OF_THE_RULES, *NEW]
