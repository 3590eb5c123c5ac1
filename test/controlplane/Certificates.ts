// A certificate authority for one control plane: one root that the API server, the fault proxies and the aggregated
// servers of the tests all hang from, so a single CA file in a kubeconfig is true for each of them.
import { execFile } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"

const openssl = async (...args: ReadonlyArray<string>): Promise<void> => {
  await promisify(execFile)("openssl", [...args])
}

const ellipticKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

export interface CertificateRequest {
  /** Also the name of the files. */
  readonly name: string
  /** The user name of a client certificate. */
  readonly commonName?: string
  /** The groups of a client certificate. */
  readonly organizations?: ReadonlyArray<string>
  /** DNS names, wildcards allowed; localhost and 127.0.0.1 are always there. */
  readonly dnsNames?: ReadonlyArray<string>
}

export interface Certificate {
  readonly certificatePath: string
  readonly keyPath: string
}

export class CertificateAuthority {
  readonly folder: string

  /** Opens an authority that `create` has put into the folder. */
  constructor(folder: string) {
    this.folder = folder
  }

  static async create(folder: string): Promise<CertificateAuthority> {
    const authority = new CertificateAuthority(folder)
    const subject = "/CN=nimbusguard-test-ca"
    const config = join(folder, "ca.cnf")
    await writeFile(
      config,
      "[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\nsubjectKeyIdentifier=hash\n"
    )
    await openssl(
      "req",
      "-x509",
      ...ellipticKey,
      "-days",
      "30",
      "-config",
      config,
      "-subj",
      subject,
      "-keyout",
      authority.keyPath,
      "-out",
      authority.certificatePath
    )
    return authority
  }

  get certificatePath(): string {
    return join(this.folder, "ca.crt")
  }

  get keyPath(): string {
    return join(this.folder, "ca.key")
  }

  pem(): Promise<string> {
    return readFile(this.certificatePath, "utf8")
  }

  async issue({
    name,
    commonName = name,
    organizations = [],
    dnsNames = []
  }: CertificateRequest): Promise<Certificate> {
    const path = (ending: string) => join(this.folder, `${name}.${ending}`)
    const names = ["localhost", ...dnsNames].map((each) => `DNS:${each}`)
    await writeFile(path("cnf"), `[req]\ndistinguished_name=dn\n[dn]\n`)
    await writeFile(
      path("ext"),
      `basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${[...names, "IP:127.0.0.1"].join(",")}\n`
    )
    const subject = `${organizations.map((each) => `/O=${each}`).join("")}/CN=${commonName}`
    await openssl(
      "req",
      "-new",
      ...ellipticKey,
      "-config",
      path("cnf"),
      "-subj",
      subject,
      "-keyout",
      path("key"),
      "-out",
      path("csr")
    )
    const serial = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString("hex")}`
    await openssl(
      "x509",
      "-req",
      "-in",
      path("csr"),
      "-CA",
      this.certificatePath,
      "-CAkey",
      this.keyPath,
      "-set_serial",
      serial,
      "-days",
      "30",
      "-sha256",
      "-extfile",
      path("ext"),
      "-out",
      path("crt")
    )
    return { certificatePath: path("crt"), keyPath: path("key") }
  }
}
