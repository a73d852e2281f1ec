# Needs: pairs and candidate BEDs of a cohort's cell lines, contig sizes, the sections `elements` and `splits`, and
# the table `genome.contig_names` if there is one.
# Makes: the unique enhancers and promoters of the cohort, as fixed windows on split chromosomes, and which
# cell line has which of them as candidates. The cohorts are kept apart, so an unseen line changes nothing
# that training reads. With elements.max_n the genome is read as well, and what it does not know is left out; with
# the section `landscape` such elements stay and are counted. Without a genome nothing is compared with one.

READS_UNKNOWN_BASES = PROJECT.config.elements.max_n is not None or PROJECT.config.landscape is not None
GENOME_FOR_ELEMENTS = PREPARED_GENOME[:2] if READS_UNKNOWN_BASES else []


rule collect_elements:
    """Collect the unique elements of a cohort of cell lines."""
    input:
        raw=lambda wildcards: raw_files(cohort_rows(wildcards.cohort)),
        contig_names=contig_names(),
        contig_sizes=PREPARED_GENOME[2:],
        genome=GENOME_FOR_ELEMENTS,
    output:
        enhancers="results/elements/{cohort}/enhancer.parquet",
        promoters="results/elements/{cohort}/promoter.parquet",
        candidates="results/elements/{cohort}/candidates.parquet",
        without_sequence="results/elements/{cohort}/without_sequence.parquet",
        report="results/elements/{cohort}/report.json",
    log:
        "logs/collect_elements/{cohort}.log",
    benchmark:
        "benchmarks/collect_elements/{cohort}.tsv"
    cache: CACHED
    # What the user brings is read first, so that a mistake in it stops a run before any work.
    priority: 10
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(1000),
        runtime=minutes(60),
    params:
        code=code("cbat.data.elements"),
        key=cache_key,
        cell_lines=sheet("cell_lines"),
        rows=lambda wildcards: rows(
            cohort_rows(wildcards.cohort),
            "cell_line",
            "pairs",
            "pairs_format",
            "enhancers",
            "promoters",
            "score_threshold",
            "score_column",
        ),
        elements=settings("elements"),
        splits=settings("splits"),
        contig_names=contig_names_option,
        contig_sizes=lambda wildcards, input: (
            f"--contig-sizes {input.contig_sizes}" if input.contig_sizes else ""
        ),
        genome=lambda wildcards, input: f"--genome-fasta {input.genome[0]}" if input.genome else "",
    message:
        "Collect the elements of the {wildcards.cohort} cell lines."
    shell:
        "cbat collect_elements --cell-lines {params.cell_lines:q} --cohort {wildcards.cohort}"
        " {params.contig_sizes} --elements {params.elements:q} --splits {params.splits:q}"
        " {params.contig_names:q} {params.genome} --directory results/elements/{wildcards.cohort} > {log} 2>&1"
