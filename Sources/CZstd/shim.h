#pragma once
/* For ZSTD_findDecompressedSize. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>
