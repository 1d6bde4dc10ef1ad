import { AV_LOG_ERROR } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { serveParentProcess } from '../../shared/service-host.ts';
import { endAtMemoryLimit } from '../memory-limit.ts';
import { decodeAudio } from './audio-decode.ts';
import type { DecodeMethods } from './decode-methods.ts';
import { h264RoundTrip } from './h264-round-trip.ts';
import { type DecodedPicture, decodeImage } from './image-decode.ts';
import { probe } from './probe.ts';

// The process that reads untrusted files: a crash in a decoder ends this process and the one request.

Log.setLevel(AV_LOG_ERROR);
endAtMemoryLimit();

serveParentProcess<DecodeMethods>({
  probe: ({ path, field }, { signal }) => probe(path, field, signal),
  audio: (request, { emit, signal }) => decodeAudio(request, emit, signal),
  image: async ({ path, field }, { emit }) => deliver(await decodeImage(path, field), emit),
  h264RoundTrip: async ({ crf, ...picture }, { emit }) => deliver(await h264RoundTrip(picture, crf), emit),
});

const pieceBytes = 2 ** 20;

async function deliver<Picture extends DecodedPicture>(
  { rgb, ...facts }: Picture,
  emit: (piece: Uint8Array) => Promise<void>,
): Promise<Omit<Picture, 'rgb'>> {
  for (let offset = 0; offset < rgb.length; offset += pieceBytes) {
    await emit(rgb.subarray(offset, offset + pieceBytes));
  }
  return facts;
}
