import { AV_CHANNEL_ORDER_UNSPEC } from 'node-av/constants';
import { avChannelLayoutDefault, avGetCodecName, Codec, CodecContext, Frame, type Stream } from 'node-av/lib';
import { SoundstageError } from '../../../../shared/errors.ts';
import { check } from '../../ffmpeg-status.ts';
import { requireUsableRate } from '../../sample-rates.ts';
import type { MediaInput } from '../media-input.ts';

/**
 * Decodes `stream` frame by frame. Damaged packets are passed over; a stream without one decodable frame is an error.
 * Sample rate and channels may change part-way. The frame is reused: valid until the next one is asked for.
 */
export async function* decodeAudioFrames(
  input: MediaInput,
  stream: Stream,
  field: string,
): AsyncGenerator<Frame, void, undefined> {
  using decoder = await openDecoder(stream, field);
  using frame = new Frame();
  frame.alloc();
  let empty = true;
  for await (const received of decodedFrames(input, stream, decoder, frame)) {
    if (received.sampleRate <= 0 || received.channels <= 0) continue;
    requireUsableRate(received.sampleRate, field);
    empty = false;
    if (received.channelLayout.order === AV_CHANNEL_ORDER_UNSPEC) {
      received.channelLayout = avChannelLayoutDefault(received.channels);
    }
    yield received;
  }
  if (empty) throw undecodable(field);
}

async function* decodedFrames(input: MediaInput, stream: Stream, decoder: CodecContext, frame: Frame) {
  const receive = async function* (): AsyncGenerator<Frame, void, undefined> {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      if (frame.nbSamples > 0) yield frame;
      frame.unref();
    }
  };
  for await (const packet of input.packets([stream])) {
    // A damaged packet is refused here or yields no frame; the next one may be sound again.
    await decoder.sendPacket(packet);
    yield* receive();
  }
  await decoder.sendPacket(null);
  yield* receive();
}

async function openDecoder(stream: Stream, field: string): Promise<CodecContext> {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw unsupported(stream, field);
  const decoder = new CodecContext();
  try {
    decoder.allocContext3(codec);
    check(decoder.parametersToContext(stream.codecpar), 'reading the audio parameters');
    decoder.pktTimebase = stream.timeBase;
    decoder.threadCount = 1;
    if ((await decoder.open2(codec, null)) < 0) throw undecodable(field);
    return decoder;
  } catch (error) {
    decoder.freeContext();
    throw error;
  }
}

function unsupported(stream: Stream, field: string): SoundstageError {
  const name = avGetCodecName(stream.codecpar.codecId) ?? 'unknown';
  const message = `The ${field} track is in the format ${name}, which cannot be decoded: convert it to mp3, wav or aac.`;
  return new SoundstageError('input', message, { field });
}

function undecodable(field: string): SoundstageError {
  const message =
    `The ${field} track is empty, damaged or cut off at its beginning, nothing in it can be decoded: ` +
    'fetch or export the recording again.';
  return new SoundstageError('input', message, { field });
}
