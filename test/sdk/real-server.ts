import { startTestServer, type TestServer } from '../support/server.ts';
import { ControlledClipMaker } from './controlled-clip-maker.ts';

/** A server that makes its clips with the model itself, on the miniature weights. */
export async function startRealServer(): Promise<TestServer> {
  const maker = new ControlledClipMaker(1000);
  const server = await startTestServer({ maker });
  return {
    ...server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await maker[Symbol.asyncDispose]();
    },
  };
}
