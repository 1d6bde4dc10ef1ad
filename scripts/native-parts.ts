// What packages do not declare: the libraries inside their native files, and what else is passed on with the program. Everything here
// was read from the files themselves (their own configuration, the strings in them) and from the projects named.

/** Something of others that is passed on with the program. */
export interface Part {
  readonly name: string;
  /** Where the native file states it. */
  readonly version?: string;
  /** SPDX expression. */
  readonly license: string;
  readonly source: string;
}

/** A library inside a native file. */
interface LinkedLibrary extends Part {
  /** How the configuration of the native file names it, where it does. */
  readonly configured?: string;
  /** The one processor for which it is built in. Default: all. */
  readonly processor?: NodeJS.Architecture;
}

export interface NativeFile {
  readonly title: string;
  /** The package that carries it. */
  readonly package: string;
  /** The version whose native file was read for this table. Another version has to be read again. */
  readonly readVersion: string;
  readonly remarks: string;
  readonly libraries: readonly LinkedLibrary[];
}

export const ffmpeg: NativeFile = {
  title: 'FFmpeg',
  package: 'node-av',
  readVersion: '6.1.1',
  remarks:
    'FFmpeg 8.1-Jellyfin, linked with all of these into the one file `node-av.node` of `@seydx/node-av-linux-x64` and ' +
    '`@seydx/node-av-linux-arm64`. It is configured with `--enable-gpl --enable-version3`: FFmpeg as a whole is then under the GPL, ' +
    'version 3 or later ([its LICENSE.md](https://github.com/FFmpeg/FFmpeg/blob/master/LICENSE.md)). x264, x265 and FFTW ' +
    'are under the GPL themselves. libfdk-aac beside them is [disputed](README.md#licenses). The builds for macOS and Windows have x264 too; their lists differ a little. ' +
    "The package's `MIT` is that of the bindings.",
  libraries: [
    {
      name: 'FFmpeg',
      version: '8.1-Jellyfin',
      license: 'GPL-3.0-or-later',
      source: 'https://github.com/seydx/jellyfin-ffmpeg',
    },
    {
      name: 'alsa-lib',
      version: '1.2.15.3',
      license: 'LGPL-2.1-or-later',
      source: 'https://github.com/alsa-project/alsa-lib',
      configured: '--enable-indev=alsa',
    },
    {
      name: 'AMF (headers)',
      license: 'MIT',
      source: 'https://github.com/GPUOpen-LibrariesAndSDKs/AMF',
      configured: '--enable-amf',
      processor: 'x64',
    },
    { name: 'brotli', license: 'MIT', source: 'https://github.com/google/brotli' },
    {
      name: 'Chromaprint',
      license: 'MIT AND LGPL-2.1-or-later',
      source: 'https://github.com/acoustid/chromaprint',
      configured: '--enable-chromaprint',
    },
    {
      name: 'dav1d',
      license: 'BSD-2-Clause',
      source: 'https://code.videolan.org/videolan/dav1d',
      configured: '--enable-libdav1d',
    },
    {
      name: 'fdk-aac-stripped',
      license: 'FDK-AAC',
      source: 'https://gitlab.freedesktop.org/wtaymans/fdk-aac-stripped',
      configured: '--enable-libfdk-aac',
    },
    { name: 'FFTW', license: 'GPL-2.0-or-later', source: 'https://github.com/FFTW/fftw3' },
    {
      name: 'Fontconfig',
      license: 'HPND-sell-variant',
      source: 'https://gitlab.freedesktop.org/fontconfig/fontconfig',
      configured: '--enable-fontconfig',
    },
    {
      name: 'FreeType',
      license: 'FTL OR GPL-2.0-only',
      source: 'https://gitlab.freedesktop.org/freetype/freetype',
      configured: '--enable-libfreetype',
    },
    {
      name: 'FriBidi',
      version: '1.0.16',
      license: 'LGPL-2.1-or-later',
      source: 'https://github.com/fribidi/fribidi',
      configured: '--enable-libfribidi',
    },
    {
      name: 'GCC runtime libraries',
      version: '15.2.0',
      license: 'GPL-3.0-or-later WITH GCC-exception-3.1',
      source: 'https://gcc.gnu.org/git/gcc.git',
    },
    { name: 'glslang', version: '16.0.0', license: 'BSD-3-Clause', source: 'https://github.com/KhronosGroup/glslang' },
    {
      name: 'GMP',
      license: 'LGPL-3.0-or-later OR GPL-2.0-or-later',
      source: 'https://gmplib.org',
      configured: '--enable-gmp',
    },
    {
      name: 'HarfBuzz',
      license: 'MIT-Modern-Variant',
      source: 'https://github.com/harfbuzz/harfbuzz',
      configured: '--enable-libharfbuzz',
    },
    { name: 'Highway', license: 'Apache-2.0 OR BSD-3-Clause', source: 'https://github.com/google/highway' },
    {
      name: 'LAME',
      version: '3.101b3',
      license: 'LGPL-2.0-or-later',
      source: 'https://sourceforge.net/projects/lame',
      configured: '--enable-libmp3lame',
    },
    { name: 'Little CMS', license: 'MIT', source: 'https://github.com/mm2/Little-CMS' },
    { name: 'libass', license: 'ISC', source: 'https://github.com/libass/libass', configured: '--enable-libass' },
    {
      name: 'libbluray',
      version: '1.4.1',
      license: 'LGPL-2.1-or-later',
      source: 'https://code.videolan.org/videolan/libbluray',
      configured: '--enable-libbluray',
    },
    {
      name: 'libdrm (loaded from the system)',
      license: 'MIT',
      source: 'https://gitlab.freedesktop.org/mesa/drm',
      configured: '--enable-libdrm',
    },
    {
      name: 'libiconv or the C library',
      license: 'LGPL-2.1-or-later',
      source: 'https://www.gnu.org/software/libiconv',
      configured: '--enable-iconv',
    },
    {
      name: 'libjxl',
      license: 'BSD-3-Clause',
      source: 'https://github.com/libjxl/libjxl',
      configured: '--enable-libjxl',
    },
    { name: 'libogg', license: 'BSD-3-Clause', source: 'https://github.com/xiph/ogg' },
    {
      name: 'libopenmpt',
      license: 'BSD-3-Clause',
      source: 'https://github.com/OpenMPT/openmpt',
      configured: '--enable-libopenmpt',
    },
    {
      name: 'libplacebo',
      version: '7.351.0',
      license: 'LGPL-2.1-or-later',
      source: 'https://code.videolan.org/videolan/libplacebo',
      configured: '--enable-libplacebo',
    },
    { name: 'libsrt', license: 'MPL-2.0', source: 'https://github.com/Haivision/srt', configured: '--enable-libsrt' },
    {
      name: 'libtheora',
      version: '1.2.0',
      license: 'BSD-3-Clause',
      source: 'https://github.com/xiph/theora',
      configured: '--enable-libtheora',
    },
    {
      name: 'libudfread',
      version: '1.2.0',
      license: 'LGPL-2.1-or-later',
      source: 'https://code.videolan.org/videolan/libudfread',
    },
    { name: 'libunibreak', license: 'Zlib', source: 'https://github.com/adah1972/libunibreak' },
    {
      name: 'libva (loaded from the system)',
      license: 'MIT',
      source: 'https://github.com/intel/libva',
      configured: '--enable-vaapi',
      processor: 'x64',
    },
    {
      name: 'libvorbis',
      version: '1.3.7',
      license: 'BSD-3-Clause',
      source: 'https://github.com/xiph/vorbis',
      configured: '--enable-libvorbis',
    },
    {
      name: 'libvpl',
      license: 'MIT',
      source: 'https://github.com/intel/libvpl',
      configured: '--enable-libvpl',
      processor: 'x64',
    },
    {
      name: 'libvpx',
      version: '1.15.2',
      license: 'BSD-3-Clause',
      source: 'https://chromium.googlesource.com/webm/libvpx',
      configured: '--enable-libvpx',
    },
    {
      name: 'libwebp',
      license: 'BSD-3-Clause',
      source: 'https://chromium.googlesource.com/webm/libwebp',
      configured: '--enable-libwebp',
    },
    {
      name: 'libxcb and libX11 (loaded from the system)',
      license: 'MIT',
      source: 'https://gitlab.freedesktop.org/xorg/lib',
      configured: '--enable-libxcb',
    },
    {
      name: 'libxml2',
      license: 'MIT',
      source: 'https://gitlab.gnome.org/GNOME/libxml2',
      configured: '--enable-libxml2',
    },
    { name: 'minimp3', license: 'CC0-1.0', source: 'https://github.com/lieff/minimp3' },
    { name: 'node-addon-api', license: 'MIT', source: 'https://github.com/nodejs/node-addon-api' },
    {
      name: 'nv-codec-headers',
      license: 'MIT',
      source: 'https://github.com/FFmpeg/nv-codec-headers',
      configured: '--enable-ffnvcodec',
    },
    {
      name: 'OpenCL ICD loader',
      license: 'Apache-2.0',
      source: 'https://github.com/KhronosGroup/OpenCL-ICD-Loader',
      configured: '--enable-opencl',
    },
    {
      name: 'OpenSSL',
      version: '3.4.3',
      license: 'Apache-2.0',
      source: 'https://github.com/openssl/openssl',
      configured: '--enable-openssl',
    },
    { name: 'Opus', license: 'BSD-3-Clause', source: 'https://github.com/xiph/opus', configured: '--enable-libopus' },
    {
      name: 'rkmpp',
      license: 'Apache-2.0 OR MIT',
      source: 'https://github.com/nyanmisaka/mpp',
      configured: '--enable-rkmpp',
      processor: 'arm64',
    },
    {
      name: 'rkrga',
      license: 'Apache-2.0',
      source: 'https://github.com/nyanmisaka/rk-mirrors',
      configured: '--enable-rkrga',
      processor: 'arm64',
    },
    {
      name: 'shaderc',
      license: 'Apache-2.0',
      source: 'https://github.com/google/shaderc',
      configured: '--enable-libshaderc',
    },
    { name: 'SPIRV-Tools', license: 'Apache-2.0', source: 'https://github.com/KhronosGroup/SPIRV-Tools' },
    {
      name: 'SVT-AV1',
      version: '3.1.2',
      license: 'BSD-3-Clause-Clear',
      source: 'https://gitlab.com/AOMediaCodec/SVT-AV1',
      configured: '--enable-libsvtav1',
    },
    {
      name: 'Vulkan headers and loader',
      license: 'Apache-2.0',
      source: 'https://github.com/KhronosGroup/Vulkan-Loader',
      configured: '--enable-vulkan',
    },
    {
      name: 'whisper.cpp',
      license: 'MIT',
      source: 'https://github.com/ggml-org/whisper.cpp',
      configured: '--enable-whisper',
    },
    {
      name: 'x264',
      license: 'GPL-2.0-or-later',
      source: 'https://code.videolan.org/videolan/x264',
      configured: '--enable-libx264',
    },
    {
      name: 'x265',
      version: '4.1+54-fa2770934',
      license: 'GPL-2.0-or-later',
      source: 'https://bitbucket.org/multicoreware/x265_git',
      configured: '--enable-libx265',
    },
    {
      name: 'xz (liblzma)',
      license: '0BSD',
      source: 'https://github.com/tukaani-project/xz',
      configured: '--enable-lzma',
    },
    { name: 'zimg', license: 'WTFPL', source: 'https://github.com/sekrit-twc/zimg', configured: '--enable-libzimg' },
    {
      name: 'zlib',
      version: '1.3.1.2',
      license: 'Zlib',
      source: 'https://github.com/madler/zlib',
      configured: '--enable-zlib',
    },
    {
      name: 'ZVBI',
      version: '0.2.44',
      license: 'LGPL-2.0-or-later',
      source: 'https://github.com/zapping-vbi/zvbi',
      configured: '--enable-libzvbi',
    },
  ],
};

/** Parts of FFmpeg's configuration that name no library: its own features, and those of libraries that are named otherwise. */
export const ffmpegOwnOptions: readonly string[] = [
  '--enable-gpl',
  '--enable-version3',
  '--enable-lto=auto',
  '--enable-indev=v4l2',
  '--enable-indev=xcbgrab',
  '--enable-cuda',
  '--enable-cuda-llvm',
  '--enable-cuvid',
  '--enable-nvdec',
  '--enable-nvenc',
];

export const onnxRuntime: NativeFile = {
  title: 'ONNX Runtime',
  package: 'onnxruntime-node',
  readVersion: '1.30.0',
  remarks:
    'The libraries that show in `libonnxruntime.so.1` for Linux; the list of the project itself is ' +
    '[ThirdPartyNotices.txt](https://github.com/microsoft/onnxruntime/blob/main/ThirdPartyNotices.txt), which the package does not ' +
    'carry. The image for CUDA has the CUDA part of the same release besides, from NuGet, under the same license.',
  libraries: [
    { name: 'ONNX Runtime', version: '1.30.0', license: 'MIT', source: 'https://github.com/microsoft/onnxruntime' },
    { name: 'Abseil', version: '20250814', license: 'Apache-2.0', source: 'https://github.com/abseil/abseil-cpp' },
    { name: 'Boost.Mp11', license: 'BSL-1.0', source: 'https://github.com/boostorg/mp11' },
    {
      name: 'cpp_client_telemetry',
      license: 'Apache-2.0',
      source: 'https://github.com/microsoft/cpp_client_telemetry',
    },
    { name: 'cpuinfo', license: 'BSD-2-Clause', source: 'https://github.com/pytorch/cpuinfo' },
    { name: 'curl', license: 'curl', source: 'https://github.com/curl/curl' },
    { name: 'Dawn', license: 'BSD-3-Clause', source: 'https://dawn.googlesource.com/dawn' },
    { name: 'Eigen', license: 'MPL-2.0', source: 'https://gitlab.com/libeigen/eigen' },
    { name: 'FlatBuffers', license: 'Apache-2.0', source: 'https://github.com/google/flatbuffers' },
    { name: 'GSL', license: 'MIT', source: 'https://github.com/microsoft/GSL' },
    { name: 'JSON for Modern C++', version: '3.12.0', license: 'MIT', source: 'https://github.com/nlohmann/json' },
    { name: 'ONNX', license: 'Apache-2.0', source: 'https://github.com/onnx/onnx' },
    { name: 'Protocol Buffers', license: 'BSD-3-Clause', source: 'https://github.com/protocolbuffers/protobuf' },
    { name: 'RE2', license: 'BSD-3-Clause', source: 'https://github.com/google/re2' },
    { name: 'SafeInt', license: 'MIT', source: 'https://github.com/dcleblanc/SafeInt' },
    { name: 'SQLite', license: 'blessing', source: 'https://www.sqlite.org' },
  ],
};

export const pglite: NativeFile = {
  title: 'PGlite',
  package: '@electric-sql/pglite',
  readVersion: '0.5.16',
  remarks:
    'PostgreSQL as WebAssembly, with the extensions that the package carries; Soundstage loads none of them. PGlite is under the ' +
    'Apache License 2.0 or the PostgreSQL License, at your choice; its changes to PostgreSQL are under the PostgreSQL License ' +
    '([its README](https://github.com/electric-sql/pglite#license)).',
  libraries: [
    {
      name: 'PostgreSQL',
      version: '18.6',
      license: 'PostgreSQL',
      source: 'https://github.com/electric-sql/postgres-pglite',
    },
    {
      name: 'Emscripten runtime and C library',
      version: '6.0.13',
      license: 'MIT OR NCSA',
      source: 'https://github.com/emscripten-core/emscripten',
    },
    {
      name: 'ICU',
      version: '76',
      license: 'Unicode-3.0',
      source: 'https://github.com/unicode-org/icu',
      configured: '--with-icu',
    },
    { name: 'libxml2', license: 'MIT', source: 'https://gitlab.gnome.org/GNOME/libxml2', configured: '--with-libxml' },
    { name: 'libxslt', license: 'MIT', source: 'https://gitlab.gnome.org/GNOME/libxslt', configured: '--with-libxslt' },
    {
      name: 'OpenSSL (in pgcrypto)',
      version: '3.0.17',
      license: 'Apache-2.0',
      source: 'https://github.com/openssl/openssl',
    },
    { name: 'OSSP uuid', license: 'MIT', source: 'http://www.ossp.org/pkg/lib/uuid', configured: '--with-uuid=ossp' },
    {
      name: 'zlib',
      version: '1.3.2',
      license: 'Zlib',
      source: 'https://github.com/madler/zlib',
      configured: '--with-zlib',
    },
  ],
};

/** Licenses of the libraries in libvips, by the names in its versions.json: what the README of the package says, as SPDX. */
export const libvipsLibraries: Readonly<Record<string, Pick<Part, 'license' | 'source'>>> = {
  aom: { license: 'BSD-2-Clause', source: 'https://aomedia.googlesource.com/aom' },
  archive: { license: 'BSD-2-Clause', source: 'https://github.com/libarchive/libarchive' },
  cairo: { license: 'MPL-1.1', source: 'https://gitlab.freedesktop.org/cairo/cairo' },
  cgif: { license: 'MIT', source: 'https://github.com/dloebl/cgif' },
  exif: { license: 'LGPL-3.0-or-later', source: 'https://github.com/libexif/libexif' },
  expat: { license: 'MIT', source: 'https://github.com/libexpat/libexpat' },
  ffi: { license: 'MIT', source: 'https://github.com/libffi/libffi' },
  fontconfig: { license: 'HPND-sell-variant', source: 'https://gitlab.freedesktop.org/fontconfig/fontconfig' },
  freetype: { license: 'FTL', source: 'https://gitlab.freedesktop.org/freetype/freetype' },
  fribidi: { license: 'LGPL-3.0-or-later', source: 'https://github.com/fribidi/fribidi' },
  glib: { license: 'LGPL-3.0-or-later', source: 'https://gitlab.gnome.org/GNOME/glib' },
  harfbuzz: { license: 'MIT', source: 'https://github.com/harfbuzz/harfbuzz' },
  heif: { license: 'LGPL-3.0-or-later', source: 'https://github.com/strukturag/libheif' },
  highway: { license: 'BSD-3-Clause', source: 'https://github.com/google/highway' },
  imagequant: { license: 'BSD-2-Clause', source: 'https://github.com/lovell/libimagequant' },
  lcms: { license: 'MIT', source: 'https://github.com/mm2/Little-CMS' },
  mozjpeg: { license: 'Zlib AND IJG AND BSD-3-Clause', source: 'https://github.com/mozilla/mozjpeg' },
  pango: { license: 'LGPL-3.0-or-later', source: 'https://gitlab.gnome.org/GNOME/pango' },
  pixman: { license: 'MIT', source: 'https://gitlab.freedesktop.org/pixman/pixman' },
  png: { license: 'libpng-2.0', source: 'https://github.com/pnggroup/libpng' },
  'proxy-libintl': { license: 'LGPL-3.0-or-later', source: 'https://github.com/frida/proxy-libintl' },
  rsvg: { license: 'LGPL-3.0-or-later', source: 'https://gitlab.gnome.org/GNOME/librsvg' },
  tiff: { license: 'libtiff', source: 'https://gitlab.com/libtiff/libtiff' },
  uhdr: { license: 'MIT', source: 'https://github.com/google/libultrahdr' },
  vips: { license: 'LGPL-3.0-or-later', source: 'https://github.com/libvips/libvips' },
  webp: { license: 'BSD-3-Clause', source: 'https://chromium.googlesource.com/webm/libwebp' },
  xml2: { license: 'MIT', source: 'https://gitlab.gnome.org/GNOME/libxml2' },
  'zlib-ng': { license: 'Zlib', source: 'https://github.com/zlib-ng/zlib-ng' },
};

/** Files of others, or made for the program, that this repository carries. */
export const carriedFiles: readonly Part[] = [
  {
    name: '`src/graph/onnx/onnx.proto`, and `onnx_pb.ts` made from it',
    license: 'Apache-2.0',
    source: 'https://github.com/onnx/onnx',
  },
  {
    name: '`models/safety/nsfw-mobilenet-v2.safetensors`, weights of nsfwjs',
    version: '4.4.0',
    license: 'MIT',
    source: 'https://github.com/infinitered/nsfwjs',
  },
  {
    name: '`models/nano`, made by `training/` from drawings and espeak-ng speech, without weights of others',
    license: 'MIT',
    source: 'training/README.md',
  },
];

/** What the images of deploy/Containerfile stand on. */
export const imageBases: readonly Part[] = [
  {
    name: 'Node.js, with the libraries that its LICENSE names (V8, OpenSSL, ICU, libuv, zlib and more)',
    version: '24',
    license: 'MIT',
    source: 'https://github.com/nodejs/node/blob/v24.x/LICENSE',
  },
  {
    name: 'Debian 12, a license for each package in `/usr/share/doc`',
    license: 'several',
    source: 'https://sources.debian.org',
  },
  {
    name: '`cuda`: the CUDA part of ONNX Runtime, with its `ThirdPartyNotices.txt` beside it in `/opt/soundstage-cuda`',
    license: 'MIT',
    source: 'https://pypi.org/project/onnxruntime-gpu',
  },
  {
    name: '`cuda`: CUDA 13 and cuDNN 9, not free software, with their licenses in `/opt/soundstage-cuda`',
    license: 'NVIDIA CUDA and cuDNN license agreements',
    source: 'https://docs.nvidia.com/cuda/eula',
  },
];

/** Packages whose package.json names no license; each was read from the file in the package that does. */
export const undeclaredLicenses: Readonly<Record<string, string>> = {
  // LICENSE
  '@shinyoshiaki/jspack': 'BSD-3-Clause',
};

/** Where the source of packages is that are made for one platform, and so are not installed on every one. */
export const platformPackages: Readonly<Record<string, string>> = {
  '@emnapi/runtime': 'https://github.com/toyobayashi/emnapi',
  '@img/sharp-libvips-': 'https://github.com/lovell/sharp-libvips',
  '@img/sharp-': 'https://github.com/lovell/sharp',
  '@seydx/node-av-': 'https://github.com/seydx/node-av',
};
