import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { checkConfig } from './check-config.ts'

const HERE = import.meta.dirname
const PROJECT = join(HERE, '..')
const VERSION = (parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string })
  .version

type Kustomization = {
  readonly resources: readonly string[]
  readonly images: readonly { readonly name: string; readonly newTag: string }[]
  readonly configMapGenerator: readonly { readonly name: string; readonly files: string[] }[]
}

type Config = {
  readonly listen: { readonly port: number }
  readonly ops: { readonly port: number }
}

type Probe = { readonly httpGet: { readonly path: string; readonly port: string } }

type Container = {
  readonly name: string
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly securityContext: Record<string, unknown>
  readonly resources: { readonly limits: { readonly memory: string } }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
}

type Volume = {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly persistentVolumeClaim?: { readonly claimName: string }
}

type Pod = {
  readonly securityContext: Record<string, unknown>
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
  readonly [field: string]: unknown
}

// oxlint-disable-next-line typescript/no-explicit-any -- manifests have many shapes; a wrong one fails the test
type Resource = { readonly kind: string; readonly metadata: { readonly name: string }; spec: any }

for (const name of ['sidecar', 'edge']) {
  const folder = join(HERE, 'kubernetes', name)
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
  const kustomization = parse(read('kustomization.yaml')) as Kustomization
  // YAML 1.1, as Kubernetes reads it: 0440 is octal.
  const resources = kustomization.resources.flatMap((file) =>
    parseAllDocuments(read(file), { version: '1.1' }).map((each) => each.toJS() as Resource),
  )
  const find = (kind: string): Resource => resources.find((each) => each.kind === kind)!
  const template = find('Deployment').spec.template
  const pod = template.spec as Pod
  const gateway = pod.containers.find((each) => each.name === 'gatehouse')!
  const config = parse(read('gatehouse.yaml')) as Config

  describe(`deploy/kubernetes/${name}`, () => {
    test('every manifest is valid, to the last field', () => {
      const validate = join(PROJECT, '.cache/py/bin/kubernetes-validate')
      const files = kustomization.resources.map((file) => join(folder, file))
      const result = spawnSync(validate, ['--strict', '--quiet', ...files], { encoding: 'utf8' })
      assert.equal(`${result.stdout}${result.stderr}`, '')
      assert.equal(result.status, 0)
    })

    test('the kustomization names every file of its folder', () => {
      const generated = kustomization.configMapGenerator.flatMap((each) => each.files)
      const named = ['kustomization.yaml', ...kustomization.resources, ...generated]
      assert.deepEqual(named.toSorted(), readdirSync(folder).toSorted())
    })

    test('the image is of the version that stands in package.json', () => {
      const image = kustomization.images.find((each) => each.name === 'gatehouse')
      assert.equal(image?.newTag, VERSION)
    })

    test('no container runs as root, gains privileges or writes to its image', () => {
      assert.equal(pod.securityContext['runAsNonRoot'], true)
      assert.deepEqual(pod.securityContext['seccompProfile'], { type: 'RuntimeDefault' })
      assert.equal(pod['automountServiceAccountToken'], false)
      for (const container of pod.containers) {
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        assert.match(container.resources.limits.memory, /^\d+[MG]i$/)
      }
    })

    test('no variable of a Service can reach the gateway, whose own begin alike', () => {
      assert.equal(pod['enableServiceLinks'], false)
    })

    test('selectors find the pod', () => {
      const labels = Object.entries(template.metadata.labels)
      const selectors = [
        find('Deployment').spec.selector.matchLabels,
        find('PodDisruptionBudget').spec.selector.matchLabels,
        find('NetworkPolicy').spec.podSelector.matchLabels,
        ...resources.filter((each) => each.kind === 'Service').map((each) => each.spec.selector),
      ]
      for (const selector of selectors) assert.deepEqual(Object.entries(selector), labels)
    })

    test('ports, probes and services agree with the configuration', () => {
      const ports = new Map(gateway.ports!.map((port) => [port.name, port.containerPort]))
      const [publicPort] = gateway.ports!
      assert.equal(publicPort!.containerPort, config.listen.port)
      assert.equal(ports.get('ops'), config.ops.port)
      assert.equal(gateway.livenessProbe.httpGet.path, '/livez')
      assert.equal(gateway.readinessProbe.httpGet.path, '/readyz')
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
        assert.equal(gateway[probe].httpGet.port, 'ops')
      }
      for (const service of resources.filter((each) => each.kind === 'Service')) {
        for (const port of service.spec.ports) assert.ok(ports.has(port.targetPort))
      }
    })

    test('the operators’ port has no way in from outside', () => {
      for (const service of resources.filter((each) => each.kind === 'Service')) {
        const opens = service.spec.ports.some((port: { name: string }) => port.name === 'ops')
        if (opens) assert.equal(service.spec.clusterIP, 'None')
      }
      for (const rule of find('NetworkPolicy').spec.ingress) {
        const opens = rule.ports.some((port: { port: string }) => port.port === 'ops')
        if (opens) assert.ok(rule.from.length > 0)
      }
    })

    test('everything mounted exists, and the configuration reads and writes only what is mounted', () => {
      const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume]))
      for (const mount of gateway.volumeMounts!) assert.ok(volumes.has(mount.name), mount.name)
      assert.equal(volumes.get('config')?.configMap?.name, 'gatehouse-config')
      assert.equal(kustomization.configMapGenerator[0]?.name, 'gatehouse-config')
      const claim = volumes.get('state')?.persistentVolumeClaim?.claimName
      assert.equal(claim, find('PersistentVolumeClaim').metadata.name)
      const mounted = gateway.volumeMounts!.map((mount) => mount.mountPath)
      const paths = Array.from(
        read('gatehouse.yaml').matchAll(/[\s:](\/[\w./-]+)/g),
        ([, path]) => path!,
      )
      for (const path of paths.filter((path) => /^\/(?:run|var|etc)\//.test(path))) {
        assert.ok(
          mounted.some((place) => path.startsWith(`${place}/`)),
          `${path} is not mounted`,
        )
      }
    })

    test('gatehouse check accepts the configuration and its policy', () => {
      const { status, output } = checkConfig(folder)
      assert.equal(status, 0, output)
    })

    test('gatehouse check refuses it with a key that does not exist', () => {
      const { status, output } = checkConfig(folder, (text) => `${text}\nserverz: {}\n`)
      assert.notEqual(status, 0)
      assert.match(output, /gatehouse\.yaml:\d+:\d+.*serverz/)
    })
  })
}
