/** For plain http: assigns the addresses right after the import. */
export function patchedGlobals(base: string): string {
  return `
import fal_client, fal_client.client as c
B = "${base}"
c.RUN_URL_FORMAT, c.QUEUE_URL_FORMAT = B + "/run/", B + "/queue/"
c.REALTIME_URL_FORMAT = B.replace("http", "ws") + "/"
c.REST_URL, c.CDN_URL = B + "/rest", B + "/cdn"
`;
}

/** For https, by environment alone; not for uploads, whose hosts no variable names. */
export function hostVariables(port: number, authorityPath: string): Readonly<Record<string, string>> {
  return {
    FAL_KEY: 'local:local',
    FAL_RUN_HOST: `localhost:${port}/run`,
    FAL_QUEUE_RUN_HOST: `localhost:${port}/queue`,
    SSL_CERT_FILE: authorityPath,
  };
}

/** The same for versions before 0.11, which make the queue's host of the run host: `queue.` goes before it. */
export function runHostVariables(port: number, authorityPath: string, path: string): Readonly<Record<string, string>> {
  return { FAL_KEY: 'local:local', FAL_RUN_HOST: `localhost:${port}${path}`, SSL_CERT_FILE: authorityPath };
}

/** For everything, by environment alone: the server is the proxy to the platform's hosts. */
export function proxyVariables(port: number, authorityPath: string): Readonly<Record<string, string>> {
  return {
    FAL_KEY: 'local:local',
    HTTPS_PROXY: `http://localhost:${port}`,
    NO_PROXY: 'localhost,127.0.0.1',
    SSL_CERT_FILE: authorityPath,
  };
}
