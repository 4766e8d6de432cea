# Thin calls of `python -m silentmirror`, with set-up in front. `make help` lists the targets.
MAKEFLAGS += --no-print-directory
VENV_PYTHON := .venv/bin/python

# $(call option,NAME,flag): --flag='value', quoted for the shell, when the user gave NAME.
quote = '$(subst ','\'',$(1))'
option = $(if $(filter undefined,$(origin $(1))),,--$(2)=$(call quote,$(value $(1))))

COMMON = $(call option,SEED,seed) $(call option,WAVES,waves) $(call option,SIM,sim)
SIM_OPTIONS = $(call option,IMAGE,image) $(call option,TARGETS,targets) $(call option,BLOCK,block) $(COMMON)
TEST_OPTIONS = $(call option,TEST,test) $(COMMON)
BENCH_OPTIONS = $(call option,GROUP,group) $(call option,CELL,cell) $(call option,TERMS,terms) $(call option,SEED,seed) \
	$(call option,SEEDS,seeds) $(call option,SIM,sim)
FAULTS_OPTIONS = $(call option,CAMPAIGN,campaign) $(call option,FRESH,fresh) $(call option,POINTS,points) $(call option,POINT,point) $(call option,SEED,seed) $(call option,SIM,sim)
simulator = $(if $(filter undefined,$(origin SIM)),icarus,$(SIM))
bench_simulator = $(if $(filter undefined,$(origin SIM)),verilator,$(SIM))

# The arguments are checked before set-up, by whatever Python there is.
check = PYTHONPATH=tb sh scripts/python.sh -B -m silentmirror $(1) --check
set-up = sh scripts/python.sh scripts/setup.py $(addprefix --need=,$(1))
run = $(VENV_PYTHON) -m silentmirror $(1)

.PHONY: help sim test waves lint bench faults synth clean

help:
	@echo "make sim     mirror an image to several drives, three ways, and compare; results in build/sim"
	@echo "             IMAGE=file TARGETS=1..15 BLOCK=512|1024|2048|4096 SEED=n WAVES=0|1 SIM=icarus|verilator"
	@echo "make test    run the regression; build/test/junit.xml"
	@echo "             TEST=part-of-a-name SEED=n WAVES=0|1 SIM=icarus|verilator"
	@echo "make waves   the default run with waves, shown in GTKWave"
	@echo "make lint    check the RTL (Verilator, yosys) and the Python sources (ruff, mypy)"
	@echo "make bench   what operations take beside the standard's minimum times; build/bench/bench.json (an hour;"
	@echo "             what was done before, with the same sources, is not done again)"
	@echo "             GROUP=all|speed|sweep|matrix|example CELL=part-of-a-name TERMS=0|1 SEED=n SEEDS=n SIM=verilator|icarus"
	@echo "make faults  bad input to drives and initiator from every side (half an hour), or CAMPAIGN=mirror: faults in"
	@echo "             mirrored operations (SIM=verilator: hours); build/faults; goes on where it was broken off"
	@echo "             CAMPAIGN=input|mirror POINTS=n SEED=n POINT=n (this one again) FRESH=0|1 SIM=icarus|verilator"
	@echo "make synth   area and clock of initiator and target, and of the target without mirroring, on an ECP5 FPGA;"
	@echo "             build/synth/synth.json (minutes)"
	@echo "make clean   remove build"
	@echo "What is missing on this machine is installed first, or you are told what to type."

sim:
	@$(call check,sim $(SIM_OPTIONS))
	@$(call set-up,$(simulator))
	@$(call run,sim $(SIM_OPTIONS))

test:
	@$(call check,test $(TEST_OPTIONS))
	@$(call set-up,icarus $(simulator))
	@$(call run,test $(TEST_OPTIONS))

waves:
	@$(call set-up,icarus $(if $(DISPLAY)$(WAYLAND_DISPLAY),gtkwave))
	@$(call run,waves)

lint:
	@$(call set-up)
	@$(call run,lint)

bench:
	@$(call check,bench $(BENCH_OPTIONS))
	@$(call set-up,$(bench_simulator) plot)
	@$(call run,bench $(BENCH_OPTIONS))

faults:
	@$(call check,faults $(FAULTS_OPTIONS))
	@$(call set-up,icarus $(simulator))
	@$(call run,faults $(FAULTS_OPTIONS))

synth:
	@$(call set-up)
	@$(call run,synth)

clean:
	rm -rf build
