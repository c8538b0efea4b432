import { generateKeyPairSync } from 'node:crypto';
import { loadX509, p256 } from './x509.ts';

const day = 86_400_000;

type Pair = readonly [certificate: string, key: string];

/** An authority under a root, as cert-manager makes and renews one: another key, the same name. */
export async function renewedAuthority(): Promise<{ root: string; before: Pair; after: Pair }> {
  const x509 = await loadX509();
  const made = () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      privateKey: privateKey.toCryptoKey(p256, false, ['sign']),
      publicKey: publicKey.toCryptoKey(p256, true, ['verify']),
    };
  };
  const time = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 2 * day) };
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
  ];
  const rootKeys = made();
  const common = { ...time, signingAlgorithm: p256, extensions };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name: 'CN=corporate',
    keys: rootKeys,
  });
  const under = async (): Promise<Pair> => {
    const keys = made();
    const certificate = await x509.X509CertificateGenerator.create({
      ...common,
      subject: 'CN=mesh prod',
      issuer: root.subjectName,
      publicKey: keys.publicKey,
      signingKey: rootKeys.privateKey,
      // Go writes it into every authority; without it OpenSSL takes one key's certificate for the other's of the same name.
      extensions: [...extensions, await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
    });
    return [certificate.toString('pem'), keys.pem];
  };
  return { root: root.toString('pem'), before: await under(), after: await under() };
}
