# Needs: elements, candidates and sequences of all cohorts, and a motif encoder.
# Makes: how well a few unlabelled enhancers of test chromosomes tell which cell line they come from, and the
# motifs by which they do. No label is read, and nothing that is trained reads what is made here.

IDENTIFICATION_FILES = ["identification.tsv", "mean_posterior.tsv", "motifs.tsv"]
IDENTIFICATION = (
    expand(
        "results/identification/{encoder}/seed_{seed}/{file}",
        encoder=PROJECT.models[PROJECT.config.full_model].encoder,
        seed=PROJECT.config.seeds[:1],
        file=IDENTIFICATION_FILES,
    )
    if PROJECT.config.readout.identification and PRESENTED
    else []
)


rule identify_cell_line:
    """Say how well unlabelled enhancers of test chromosomes identify their cell line."""
    input:
        [elements_and_sequences(cohort) for cohort in COHORTS],
        encoder=[f"results/encoders/{{encoder}}/seed_{{seed}}/{file}" for file in ENCODER_FILES],
        motifs=[str(path) for path in [PROJECT.config.readout.motifs] if path is not None],
    output:
        "results/identification/{encoder}/seed_{seed}/identification.tsv",
        "results/identification/{encoder}/seed_{seed}/mean_posterior.tsv",
        "results/identification/{encoder}/seed_{seed}/motifs.tsv",
    log:
        "logs/identify_cell_line/{encoder}_seed_{seed}.log",
    benchmark:
        "benchmarks/identify_cell_line/{encoder}_seed_{seed}.tsv"
    conda:
        "../envs/train-cpu.yaml"
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        code=code("cbat.evaluation.identification"),
        cohorts=COHORTS,
        cell_lines=PROJECT.names(),
        settings=settings("evaluation", "support_sizes", "headline_support", "n_bootstrap", "seed"),
        readout=settings("readout"),
    message:
        "Identify cell lines by their enhancers ({wildcards.encoder}, seed {wildcards.seed})."
    shell:
        "cbat identify_cell_line --encoder results/encoders/{wildcards.encoder}/seed_{wildcards.seed}"
        " --cohorts {params.cohorts} --elements results/elements --sequences results/sequences"
        " --cell-lines {params.cell_lines} --settings {params.settings:q} --readout {params.readout:q}"
        " --threads {threads} --directory results/identification/{wildcards.encoder}/seed_{wildcards.seed}"
        " > {log} 2>&1"
