// Encodes I420 frames with OpenH264, as FFmpeg's libopenh264 does for a file: no frame is skipped, CABAC, one group of 250 frames.
//   encode WIDTH HEIGHT FPS KBITS_PER_SECOND < frames.yuv > clip.h264
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wels/codec_api.h>

static void require(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s failed\n", what);
  exit(1);
}

int main(int count, char **given) {
  require(count == 5, "reading WIDTH HEIGHT FPS KBITS_PER_SECOND");
  const int width = atoi(given[1]), height = atoi(given[2]), bits = atoi(given[4]) * 1000;
  const float fps = atof(given[3]);

  ISVCEncoder *encoder;
  require(WelsCreateSVCEncoder(&encoder) == 0, "creating the encoder");
  SEncParamExt settings;
  (*encoder)->GetDefaultParams(encoder, &settings);
  settings.iUsageType = CAMERA_VIDEO_REAL_TIME;
  settings.iPicWidth = width;
  settings.iPicHeight = height;
  settings.fMaxFrameRate = fps;
  settings.iTargetBitrate = bits;
  settings.iRCMode = RC_QUALITY_MODE;
  settings.bEnableFrameSkip = 0;
  settings.iEntropyCodingModeFlag = 1;
  settings.iComplexityMode = HIGH_COMPLEXITY;
  settings.uiIntraPeriod = 250;
  settings.iMultipleThreadIdc = 1;
  settings.sSpatialLayers[0].uiProfileIdc = PRO_HIGH;
  settings.sSpatialLayers[0].iVideoWidth = width;
  settings.sSpatialLayers[0].iVideoHeight = height;
  settings.sSpatialLayers[0].fFrameRate = fps;
  settings.sSpatialLayers[0].iSpatialBitrate = bits;
  require((*encoder)->InitializeExt(encoder, &settings) == 0, "opening the encoder");

  const size_t size = (size_t)width * height * 3 / 2;
  unsigned char *frame = malloc(size);
  for (long index = 0; fread(frame, 1, size, stdin) == size; index++) {
    SSourcePicture picture;
    memset(&picture, 0, sizeof picture);
    picture.iColorFormat = videoFormatI420;
    picture.iPicWidth = width;
    picture.iPicHeight = height;
    picture.iStride[0] = width;
    picture.iStride[1] = picture.iStride[2] = width / 2;
    picture.pData[0] = frame;
    picture.pData[1] = frame + width * height;
    picture.pData[2] = picture.pData[1] + width * height / 4;
    picture.uiTimeStamp = (long long)(index * 1000 / fps);
    SFrameBSInfo written;
    memset(&written, 0, sizeof written);
    require((*encoder)->EncodeFrame(encoder, &picture, &written) == cmResultSuccess, "encoding");
    for (int layer = 0; layer < written.iLayerNum; layer++) {
      size_t length = 0;
      for (int unit = 0; unit < written.sLayerInfo[layer].iNalCount; unit++)
        length += written.sLayerInfo[layer].pNalLengthInByte[unit];
      require(fwrite(written.sLayerInfo[layer].pBsBuf, 1, length, stdout) == length, "writing");
    }
  }
  (*encoder)->Uninitialize(encoder);
  WelsDestroySVCEncoder(encoder);
  return 0;
}
