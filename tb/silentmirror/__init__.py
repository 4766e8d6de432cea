"""Silent mirroring on a parallel SCSI bus: build, bench, verification environment and command line."""
