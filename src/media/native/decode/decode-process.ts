import { AV_LOG_ERROR } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { serveParentProcess } from '../../../shared/processes/service-host.ts';
import { endAtMemoryLimit } from '../../process/memory-limit.ts';
import { readPictureFile, writePictureFile } from '../../raw/picture-file.ts';
import type { DecodeMethods } from './decode-methods.ts';
import { h264RoundTrip } from './h264-round-trip.ts';
import { decodeImage } from './image-decode.ts';
import { probe } from './probe.ts';
import { decodeAudio } from './sound/audio-decode.ts';
import { profileSound } from './sound/profile-sound.ts';
import { conditionSound, decodeSound } from './sound/sound-decode.ts';
import { storedFrames } from './stored-frames.ts';

// The process that reads untrusted files: a crash in a decoder ends this process and the one request.

Log.setLevel(AV_LOG_ERROR);
endAtMemoryLimit();

serveParentProcess<DecodeMethods>({
  probe: ({ path, field }, { signal }) => probe(path, field, signal),
  audio: (request, { emit, signal }) => decodeAudio(request, emit, signal),
  soundProfile: (request, { signal }) => profileSound(request, signal),
  sound: (request, { signal }) => decodeSound(request, signal),
  conditionSound: async ({ sound, seconds }) => {
    await conditionSound(sound, seconds);
    return undefined;
  },
  image: async ({ path, field, output }) => {
    const { isCutOff, ...picture } = await decodeImage(path, field);
    return { ...(await writePictureFile(output, picture)), isCutOff };
  },
  storedFrames: (request) => storedFrames(request),
  h264RoundTrip: async ({ picture, crf, output }) =>
    writePictureFile(output, await h264RoundTrip(await readPictureFile(picture), crf)),
});
